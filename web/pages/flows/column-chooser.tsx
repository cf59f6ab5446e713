// Which columns the connections have: a choice of this person, kept in this browser. Every field of the model can
// be one.

import { useState } from 'preact/hooks'
import { createCell, useCell } from '../../data/cell.ts'
import { model$ } from '../../data/model.ts'
import { remember, remembered } from '../../data/page.ts'
import { Popover } from '../../views/popover.tsx'
import { type FlowColumn, flowColumns } from './flow-columns.tsx'

/** Names of the chosen columns; undefined = the usual ones. */
export const chosen$ = createCell(namesOf(remembered('columns')))

interface ColumnChooserProps {
  /** The columns of now. */
  readonly shown: readonly FlowColumn[]
}

export function ColumnChooser({ shown }: ColumnChooserProps) {
  const [open, setOpen] = useState(false)
  return (
    <Popover
      name="columns"
      open={open}
      onOpen={setOpen}
      label="Columns"
      buttonClass="lnk sm hide-s"
      button="Columns"
    >
      <Choice shown={shown} />
    </Popover>
  )
}

function Choice({ shown }: ColumnChooserProps) {
  const columns = flowColumns(useCell(model$).flows)
  const chosen = useCell(chosen$)
  const names = new Set(shown.map(({ name }) => name))
  function turn(name: string): void {
    const next = new Set(names)
    if (!next.delete(name)) next.add(name)
    choose(next.size > 0 ? next : undefined)
  }
  return (
    <div class="pp">
      <ul class="fields">
        {columns.map(({ name, head, help }) => (
          <li key={name}>
            <label class="check mono" title={help}>
              <input type="checkbox" checked={names.has(name)} onChange={() => turn(name)} /> {head}
            </label>
          </li>
        ))}
      </ul>
      <div class="btns">
        <button
          type="button"
          class="ctl"
          disabled={chosen === undefined}
          onClick={() => choose(undefined)}
        >
          The usual columns
        </button>
      </div>
    </div>
  )
}

function choose(names: ReadonlySet<string> | undefined): void {
  chosen$.set(names)
  remember('columns', [...(names ?? [])].join(','))
}

function namesOf(kept: string | undefined): ReadonlySet<string> | undefined {
  return kept ? new Set(kept.split(',')) : undefined
}
