// A filter of the language as a condition over the alias `f`, every value bound. It says what the predicate
// (wire/filter/predicate.ts) says, row by row: null compares false, and `not` of that is true.

import {
  type AddressRange,
  type Comparison,
  type Field,
  type Filter,
  formatAddress,
  isAddressRange,
  type Test,
  type Value,
} from '../../wire/mod.ts'
import type { Binder } from './binder.ts'
import { columnOf } from './columns.ts'

/** SQL that is 1 or 0 for every row, never null. */
export function filterSql(binder: Binder, filter: Filter): string {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const parts = filter.parts.map((part) => filterSql(binder, part))
      if (parts.length === 0) return filter.kind === 'and' ? '1' : '0'
      return `(${parts.join(filter.kind === 'and' ? ' AND ' : ' OR ')})`
    }
    case 'not':
      return `NOT ${filterSql(binder, filter.part)}`
    case 'compare':
      return `(${filter.fields.map((field) => fieldSql(binder, field, filter)).join(' OR ')})`
  }
}

function fieldSql(binder: Binder, field: Field, { test }: Comparison): string {
  const sql = testSql(binder, field, test)
  return field.nullable ? `ifNull(${sql}, 0)` : sql
}

function testSql(binder: Binder, field: Field, test: Test): string {
  const column = columnOf(field)
  if (test.kind === 'order') {
    return `${column} ${test.operator} ${valueSql(binder, field, test.value)}`
  }
  if (test.kind === 'match') {
    const pattern = binder.bind('String', test.pattern)
    if (field.kind !== 'list') return `match(${column}, ${pattern})`
    return `arrayExists(text -> match(text, ${pattern}), ${column})`
  }
  return inSql(binder, field, test.values)
}

function inSql(binder: Binder, field: Field, values: readonly Value[]): string {
  const column = columnOf(field)
  const ranges = values.filter(isAddressRange)
  const literals = [
    ...values.filter((value) => !isAddressRange(value)).map((one) => valueSql(binder, field, one)),
    // Equality alone reaches the index of addresses.
    ...ranges.filter(isSingle).map(({ first }) => addressSql(binder, first)),
  ]
  const parts = ranges.flatMap((range) => {
    if (isSingle(range)) return []
    const low = addressSql(binder, range.first)
    return [`${column} BETWEEN ${low} AND ${addressSql(binder, range.last)}`]
  })
  if (field.kind === 'list') parts.push(...literals.map((literal) => `has(${column}, ${literal})`))
  else if (literals.length > 0) parts.push(`${column} IN (${literals.join(', ')})`)
  return parts.length === 1 ? (parts[0] as string) : `(${parts.join(' OR ')})`
}

function isSingle({ first, last }: AddressRange): boolean {
  return first.every((octet, index) => octet === last[index])
}

/** A value of the field that the engine gave as text: of a page's last row. */
export function textSql(binder: Binder, field: Field, text: string): string {
  if (field.kind === 'time') return binder.bindTime(BigInt(text))
  const bound = binder.bind(types[field.kind] ?? 'String', text)
  return field.kind === 'address' ? `toIPv6(${bound})` : bound
}

const types: Readonly<Partial<Record<Field['kind'], string>>> = {
  counter: 'UInt64',
  id: 'UInt64',
  u8: 'UInt8',
  u16: 'UInt16',
  u32: 'UInt32',
  flag: 'UInt8',
}

function valueSql(binder: Binder, field: Field, value: Value): string {
  if (typeof value === 'boolean') return binder.bind('UInt8', value ? 1 : 0)
  if (field.kind === 'time') return binder.bindTime(value as bigint)
  return binder.bind(types[field.kind] ?? 'String', value as string | number | bigint)
}

/** The text form is unmistakable: a mapped address is a dotted quad, which the engine reads as such. */
function addressSql(binder: Binder, octets: Uint8Array): string {
  return `toIPv6(${binder.bind('String', formatAddress(octets))})`
}
