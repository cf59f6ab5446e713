// Fields as columns of the alias `f`.

import type { Field, Table } from '../../wire/mod.ts'

/** The column of a field, or the expression of a derived one. */
export function columnOf(field: Field): string {
  return 'sql' in field ? String(field.sql) : `f.\`${field.name}\``
}

/** Cheap columns that together are different for any two rows of one instant. */
export function tieOf({ identity }: Table): string {
  return `cityHash64(${identity.map((name) => `f.${name}`).join(', ')})`
}
