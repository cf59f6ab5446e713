// Fields that a row has for both ends, and the names that stand for either of them.

import type { Field, Table } from './field.ts'

/** `name` stands for `src` or `dst`: port = src_port or dst_port. */
export interface EndPair {
  readonly name: string
  readonly src: Field
  readonly dst: Field
}

/** Every name for either end of the table. A name that is a field's own stands for that field alone. */
export function endPairsOf(table: Table): readonly EndPair[] {
  const byName = new Map(table.fields.map((field) => [field.name, field]))
  return table.fields.flatMap((src) => {
    const name = src.name.replace(/^src_/, '')
    const dst = byName.get(`dst_${name}`)
    return name !== src.name && dst && !byName.has(name) ? [{ name, src, dst }] : []
  })
}
