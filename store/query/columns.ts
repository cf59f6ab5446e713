// Fields as columns of the alias `f`.

import type { Field } from '../../wire/mod.ts'

/** The column of a field, or the expression of a derived one. */
export function columnOf(field: Field): string {
  return 'sql' in field ? String(field.sql) : `f.\`${field.name}\``
}
