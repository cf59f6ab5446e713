// What a reason means and what to do next, in plain words: ask Weir, run a command, change something.

import type { DropWords } from '../../data/contract.ts'
import type { WordsByReason } from '../../data/drop-words.ts'
import { commit } from '../../data/page.ts'
import { formatLocation, type PageState } from '../../domain/location.ts'
import { CopyButton } from '../../views/copy-button.tsx'

interface ExplanationProps {
  readonly reason: string
  readonly words: WordsByReason | undefined
  readonly state: PageState
}

export function Explanation({ reason, words, state }: ExplanationProps) {
  const said = words?.get(reason || 'unknown')
  return (
    <>
      <div class="blk">
        <h3>What it means</h3>
        {said && <p class="strong">{said.title}</p>}
        <p class="sm">
          {said?.meaning ??
            (words &&
              'The running kernel gives the reason this name. Weir has no words for it yet.')}
        </p>
      </div>
      {said && <Next said={said} state={state} />}
    </>
  )
}

function Next({ said, state }: { readonly said: DropWords; readonly state: PageState }) {
  const { query, command, change } = said
  const asked = askedState(said, state)
  return (
    <div class="blk">
      <h3>What to do next</h3>
      <ol class="next sm">
        <li>
          <a
            class="lnk mono"
            href={formatLocation(asked)}
            onClick={(event) => {
              if (event.ctrlKey || event.metaKey || event.shiftKey) return
              event.preventDefault()
              commit(asked)
            }}
          >
            {query}
          </a>
        </li>
        <li>
          <code class="mono">{command}</code>
          <CopyButton label={`Copy ${command}`} text={() => command} />
        </li>
        <li>{change}</li>
      </ol>
    </div>
  )
}

/** The events that the question is about, one by one. */
function askedState({ kind, filter }: DropWords, state: PageState): PageState {
  const before = state.filter === '' || state.filter === filter ? '' : `(${state.filter})`
  const texts = [before, filter].filter(Boolean).join(' and ')
  return { ...state, kind, group: 'none', select: undefined, filter: texts }
}
