// What a panel says when it has no data to show: loading, empty, or an error with its remedy.

import type { ComponentChildren } from 'preact'
import { exact, shareText } from '../../common/number/mod.ts'
import type { Answer } from '../data/answer.ts'
import { useCell } from '../data/cell.ts'
import type { Health } from '../data/contract.ts'
import { commit, location$ } from '../data/page.ts'
import type { Failure } from '../data/request.ts'
import { defaults, isFiltered, unfiltered } from '../domain/location.ts'
import { visible } from '../domain/text.ts'
import { Mark } from './icons.tsx'

export function Loading({ range }: { readonly range: string }) {
  return (
    <div class="state" role="status">
      Reading {range}
    </div>
  )
}

export function NoAnswerYet() {
  return <div class="state">No answer yet</div>
}

/** The cause, the remedy, and the code; the way back when the question itself was wrong. */
export function ErrorState({ failure }: { readonly failure: Failure }) {
  const state = useCell(location$)
  // The filter box says its own mistake.
  const role = failure.code === 'bad_filter' ? undefined : 'alert'
  return (
    <div class="state" role={role}>
      <p class="bad strong">{visible(failure.message)}</p>
      <p>
        {visible(failure.remedy)} <span class="mono dim">{failure.code}</span>
      </p>
      {!failure.passing && (
        <button
          type="button"
          class="lnk"
          onClick={() => commit({ ...defaults, page: state.page, zone: state.zone })}
        >
          Show the last 15 minutes without filters
        </button>
      )}
    </div>
  )
}

/** What the list above lacks while it moves. */
export function Missed({ rows, what }: { readonly rows: number; readonly what: string }) {
  if (rows === 0) return null
  return (
    <p class="banner missed" role="status">
      <Mark level="warn" />
      <span>
        {exact(rows)} {rows === 1 ? what : `${what}s`} came faster than this page can show them.
        They are stored: pause, or filter, to see them.
      </span>
    </p>
  )
}

interface EmptyProps {
  readonly what: string
  readonly share: number | null | undefined
  readonly nodes: Health['nodes'] | undefined
}

/** Empty, and who looked: calm must not be mistaken for blindness. */
export function Empty({ what, share, nodes }: EmptyProps) {
  const state = useCell(location$)
  const watching = nodes?.filter((node) => node.state === 'live' || node.state === 'idle').length
  return (
    <div class="state">
      <p class="strong">{what}</p>
      <p>
        {share === null || share === undefined
          ? 'Nobody watched in this range.'
          : `${agents(watching, nodes?.length)}coverage ${shareText(share, 2)}.`}
      </p>
      {isFiltered(state) && (
        <button type="button" class="lnk" onClick={() => commit(unfiltered(state))}>
          Remove all filters
        </button>
      )}
    </div>
  )
}

/** What stands in a panel without usable data: children when there is some. */
export function WhenAnswered(props: {
  readonly answer: Answer<unknown>
  readonly range: string
  readonly children: ComponentChildren
}) {
  const { answer, range, children } = props
  const { failure, data } = answer
  if (failure && !failure.passing) return <ErrorState failure={failure} />
  // The page says once why there is no answer (notices.tsx).
  if (failure && data === undefined) return <NoAnswerYet />
  if (data === undefined || (answer.slow && !failure && moved(answer))) {
    return <Loading range={range} />
  }
  return <>{children}</>
}

/** A poll of the same question may be slow without hiding what it asked before. */
function moved(answer: Answer<unknown>): boolean {
  return answer.path !== answer.asked
}

function agents(watching: number | undefined, all: number | undefined): string {
  if (watching === undefined || all === undefined || all === 0) return ''
  return `${watching} of ${all} ${all === 1 ? 'agent' : 'agents'} watching, `
}
