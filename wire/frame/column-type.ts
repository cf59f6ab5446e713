// The ClickHouse type of a field, spelt as the engine itself spells it: blocks and DDL both read it here.

import type { Field, FieldKind } from '../model/field.ts'

const types: Readonly<Record<FieldKind, string>> = {
  time: "DateTime64(9, 'UTC')",
  name: 'LowCardinality(String)',
  text: 'String',
  octets: 'String',
  list: 'Array(String)',
  address: 'IPv6',
  counter: 'UInt64',
  id: 'UInt64',
  u8: 'UInt8',
  u16: 'UInt16',
  u32: 'UInt32',
  flag: 'UInt8',
}

/** Type of the field's column in Native blocks and tables, `Nullable(...)` included. */
export function columnType(field: Field): string {
  const type = types[field.kind]
  return field.nullable ? `Nullable(${type})` : type
}
