// Where an answer about metrics is read from: the smallest source that can give it exactly. This is the one place that
// chooses, and the answer states it. So far there are no roll-ups: every question is answered from the rows.

import type { Field, Metric } from '../../wire/mod.ts'
import type { FlowsScope } from './question.ts'

/** The rows themselves, or what they sum to per minute or hour. */
export type Source = 'rows' | 'minute' | 'hour'

/** What decides: range and filter, groups, metrics, and the step of a series. */
export interface PlannedQuestion extends FlowsScope {
  readonly by: readonly Field[]
  readonly metrics: readonly Metric[]
  readonly stepNs?: bigint
}

/** The source of the answer to a question about metrics. */
export function planOf(_question: PlannedQuestion): { readonly source: Source } {
  return { source: 'rows' }
}
