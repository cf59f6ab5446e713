// What can be asked of the rows, free of HTTP and of SQL: a time range, filters, an order.

import type { Field } from '../../wire/mod.ts'
import type { ReadOptions } from '../reader.ts'

/** Nanoseconds since 1970; `from` is inside, `to` is not. */
export interface Range {
  readonly fromNs: bigint
  readonly toNs: bigint
}

/** All addresses from `first` to `last`, both inside, as text. */
export interface AddressRange {
  readonly first: string
  readonly last: string
}

/** Times in ns as bigint, ids as bigint or decimal text, the rest as in JSON. */
export type FilterValue = string | number | boolean | bigint | AddressRange

/** One of `fields` has one of `values`. Two fields are the two ends. */
export interface Filter {
  readonly fields: readonly Field[]
  readonly values: readonly FilterValue[]
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
  readonly filters: readonly Filter[]
}
