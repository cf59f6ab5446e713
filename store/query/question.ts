// What can be asked of the rows, free of HTTP and of SQL: a time range, a filter, an order.

import type { Filter } from '../../wire/mod.ts'
import type { ReadOptions } from '../reader.ts'

/** Nanoseconds since 1970; `from` is inside, `to` is not. */
export interface Range {
  readonly fromNs: bigint
  readonly toNs: bigint
}

export interface Order<T> {
  readonly by: T
  readonly descending: boolean
}

/** Bounds of a question. */
export interface QuestionOptions extends ReadOptions {
  /** Rows up to which distinct counts and percentiles are exact; see precision.ts. */
  readonly exactRowsMax?: number
}

/** What every question of flows has. */
export interface FlowsScope {
  readonly range: Range
  readonly filter: Filter
  /** Of flows: only the newest row of each connection in this range, and only if its end is not known. */
  readonly open?: Range
}
