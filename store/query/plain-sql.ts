// Fields as columns of files (Parquet, Arrow): types that every reader has, and as text what JSON answers have as text.

import type { Field } from '../../wire/mod.ts'
import { columnOf } from './columns.ts'

/** The columns of a SELECT over rows with the alias `f`. */
export function plainColumns(fields: readonly Field[]): string {
  return fields.map((field) => `${plainSql(field)} AS \`${field.name}\``).join(', ')
}

function plainSql(field: Field): string {
  const column = columnOf(field)
  switch (field.kind) {
    case 'name':
      return `toString(${column})`
    case 'octets':
      return `base64Encode(${column})`
    case 'address':
      return addressSql(column)
    case 'flag':
      return `CAST(${column} AS ${field.nullable ? 'Nullable(Bool)' : 'Bool'})`
    default:
      return column
  }
}

/** The engine prints `::ffff:1.2.3.4`, and one group of zeros as `::`; RFC 5952 does neither. */
function addressSql(column: string): string {
  const text = `replaceOne(toString(${column}), '::ffff:', if(toString(${column}) LIKE '::ffff:%.%', '', '::ffff:'))`
  const inside = `replaceOne(${text}, '::', ':0:')`
  const atEnd = `replaceRegexpOne(replaceRegexpOne(${text}, '^::', '0:'), '::$', ':0')`
  return `multiIf(countSubstrings(${text}, ':') = 7, ${inside}, countSubstrings(${text}, ':') = 8, ${atEnd}, ${text})`
}
