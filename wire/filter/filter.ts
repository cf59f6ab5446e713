// What a filter is once its names and values are known to be right: one tree for the language, the API's
// parameters, the command line's flags and the page's chips. SQL, predicates and the kernel's part are made of it.

import type { AddressRange } from '../model/address.ts'
import type { Field } from '../model/field.ts'

/** A condition on one row. Null compares false, and `not` of that is true. */
export type Filter =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Filter[] }
  | { readonly kind: 'not'; readonly part: Filter }
  | Comparison

/** One of `fields` passes the test; two fields are the two ends. All have the same kind. */
export interface Comparison {
  readonly kind: 'compare'
  readonly fields: readonly [Field, ...Field[]]
  readonly test: Test
}

export type Test =
  /** Equals one of the values; an address may lie in a range; a list has one of the texts. */
  | { readonly kind: 'in'; readonly values: readonly Value[] }
  | { readonly kind: 'order'; readonly operator: OrderOperator; readonly value: number | bigint }
  /** RE2, found anywhere in the text, case counts. */
  | { readonly kind: 'match'; readonly pattern: string }

export type OrderOperator = '<' | '<=' | '>' | '>='

/** Counters and small numbers as number, times (ns since 1970) and ids as bigint, texts as string. */
export type Value = string | number | bigint | boolean | AddressRange

/** The condition that every row meets. */
export const everything: Filter = { kind: 'and', parts: [] }

/** All of the parts; a single one stays what it is. */
export function allOf(parts: readonly Filter[]): Filter {
  return parts.length === 1 ? (parts[0] as Filter) : { kind: 'and', parts }
}

/** The conditions that a row must meet all of: the parts of an outermost `and`, or the filter itself. */
export function conditionsOf(filter: Filter): readonly Filter[] {
  return filter.kind === 'and' ? filter.parts.flatMap(conditionsOf) : [filter]
}

/** The values of each condition `name in (…)` that a row must meet; `name = value` is one of a single value. */
export function listsOf(filter: Filter, name: string): readonly (readonly Value[])[] {
  return conditionsOf(filter).flatMap((part) => {
    if (part.kind !== 'compare' || part.test.kind !== 'in') return []
    return part.fields[0].name === name ? [part.test.values] : []
  })
}

/** Names of all fields that the filter looks at. */
export function fieldsIn(filter: Filter): ReadonlySet<string> {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return new Set(filter.parts.flatMap((part) => [...fieldsIn(part)]))
    case 'not':
      return fieldsIn(filter.part)
    case 'compare':
      return new Set(filter.fields.map(({ name }) => name))
  }
}

/** A range of addresses is the only value that is an object. */
export function isAddressRange(value: Value): value is AddressRange {
  return typeof value === 'object'
}
