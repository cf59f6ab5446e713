// The names that a question may use for the fields of a table: each field's own, and those for either end. One list
// for API, command line and filter language.

import { endPairsOf } from './ends.ts'
import { type Field, isGroupable, type Table } from './field.ts'

/** What a name stands for: one field, or the two ends. */
export type NamedFields = readonly [Field, ...Field[]]

/** Every name of the table, stored fields first, then derived ones, then either end. */
export function fieldsByName(table: Table): ReadonlyMap<string, NamedFields> {
  const single = [...table.fields, ...table.derived].map((field): [string, NamedFields] => [
    field.name,
    [field],
  ])
  const pairs = endPairsOf(table).map(({ name, src, dst }): [string, NamedFields] => [
    name,
    [src, dst],
  ])
  return new Map([...single, ...pairs])
}

/** Names that rows of the table can be grouped by. A name for either end groups by both. */
export function groupNames(table: Table): readonly string[] {
  return [...fieldsByName(table)]
    .filter(([, fields]) => fields.every(isGroupable))
    .map(([name]) => name)
}
