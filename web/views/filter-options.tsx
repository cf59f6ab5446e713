// What could stand at the caret of the filter, as a list below the field.

import { useEffect } from 'preact/hooks'
import { Name } from './text.tsx'

export interface Choice {
  /** What takes the place of the characters from `from` up to `to`. */
  readonly insert: string
  readonly from: number
  readonly to: number
  readonly text: string
  readonly help: string
}

export function optionId(index: number): string {
  return `filter-option-${index}`
}

interface OptionsProps {
  readonly choices: readonly Choice[]
  /** -1: none yet. */
  readonly chosen: number
  readonly onChoose: (choice: Choice) => void
}

export function FilterOptions({ choices, chosen, onChoose }: OptionsProps) {
  useEffect(() => {
    document.getElementById(optionId(chosen))?.scrollIntoView({ block: 'nearest' })
  }, [chosen])
  return (
    <div class="pop filter-pop" id="filter-options" role="listbox" aria-label="Completions">
      {choices.map((choice, index) => (
        // The field keeps the focus: the keys are its.
        <div
          key={`${choice.text} ${index}`}
          id={optionId(index)}
          class={`it ${index === chosen ? 'on' : ''}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === chosen}
          onPointerDown={(event) => event.preventDefault()}
          onPointerUp={() => onChoose(choice)}
        >
          <span class="mono">
            <Name text={choice.text} />
          </span>
          <span class="r">{choice.help}</span>
        </div>
      ))}
    </div>
  )
}
