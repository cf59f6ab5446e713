// Fields that a row has for both ends, and the names that stand for either of them.

import type { Field, Table } from './field.ts'

/** A field of both ends; `name` is what they have in common: port for src_port and dst_port. */
export interface EndPair {
  readonly name: string
  readonly src: Field
  readonly dst: Field
}

/** All fields that rows of the table have for both ends. */
export function twinsOf(table: Table): readonly EndPair[] {
  const byName = new Map(table.fields.map((field) => [field.name, field]))
  return table.fields.flatMap((src) => {
    const name = src.name.replace(/^src_/, '')
    const dst = byName.get(`dst_${name}`)
    return name !== src.name && dst ? [{ name, src, dst }] : []
  })
}

/** The names that stand for either end. A name that is a field's own (node) stands for that field alone. */
export function endPairsOf(table: Table): readonly EndPair[] {
  const names = new Set(table.fields.map(({ name }) => name))
  return twinsOf(table).filter(({ name }) => !names.has(name))
}
