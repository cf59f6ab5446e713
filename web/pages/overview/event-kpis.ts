// Drops and resets over time: one question for both, asked only where it makes sense.

import { useMemo } from 'preact/hooks'
import { type Answer, useAnswer } from '../../data/answer.ts'
import { useCell } from '../../data/cell.ts'
import type { EventStepsAnswer } from '../../data/contract.ts'
import { useFits } from '../../data/filter.ts'
import { model$ } from '../../data/model.ts'
import { useProbe } from '../../data/probes.ts'
import { apiQuery, type PageState } from '../../domain/location.ts'
import { refreshMs } from '../../domain/time.ts'

export interface EventKpis {
  readonly answer: Answer<EventStepsAnswer>
  /** Why nothing can be shown; undefined when something can. */
  readonly none: string | undefined
}

export function useEventKpis(state: PageState, seconds: number, live: boolean): EventKpis {
  const none = useWhyNone(state)
  const path = `/api/events/series?${apiQuery(state, [
    ['kind', 'drop'],
    ['kind', 'reset'],
    ['by', 'kind'],
    ['step', `${seconds}s`],
  ])}`
  const asked = none === undefined ? path : undefined
  const answer = useAnswer<EventStepsAnswer>(asked, live ? refreshMs(seconds * 1000) : undefined)
  return useMemo(() => ({ answer, none }), [answer, none])
}

/** A zero would be a lie where nobody looks, and where the filter is about flows alone. */
function useWhyNone(state: PageState): string | undefined {
  const isSeen = useProbe('drop', state)
  const fits = useFits(state.filter, ['events'])
  const { fieldsOf } = useCell(model$)
  const names = new Set(fieldsOf('events').map(({ name }) => name))
  if (isSeen === undefined || fits === undefined) return 'Not known yet.'
  if (!isSeen) return 'Not measured: no node ran the probe drop.'
  const isOfEvents = fits.has('events') && state.filters.every(({ field }) => names.has(field))
  return isOfEvents ? undefined : 'The filter is about connections alone.'
}
