// Filters and ranges as conditions over the alias `f`.

import type { Field, FieldKind } from '../../wire/mod.ts'
import type { Binder } from './binder.ts'
import type { AddressRange, Filter, FilterValue, FlowsScope, Range } from './question.ts'

/** The engine's type for values of a kind; addresses and times are converted from text and Int64. */
const types: Readonly<Record<FieldKind, string>> = {
  time: 'Int64',
  name: 'String',
  text: 'String',
  octets: 'String',
  list: 'String',
  address: 'String',
  counter: 'UInt64',
  id: 'UInt64',
  u8: 'UInt8',
  u16: 'UInt16',
  u32: 'UInt32',
  flag: 'UInt8',
}

/** The column of a field, or the expression of a derived one. */
export function columnOf(field: Field): string {
  return 'sql' in field ? String(field.sql) : `f.\`${field.name}\``
}

/** A single value of a field's kind in SQL. */
export function literalOf(binder: Binder, field: Field, value: FilterValue): string {
  const bound = binder.bind(types[field.kind], plain(value))
  if (field.kind === 'time') return `fromUnixTimestamp64Nano(${bound}, 'UTC')`
  return field.kind === 'address' ? `toIPv6(${bound})` : bound
}

export function scopeCondition(binder: Binder, scope: FlowsScope): string {
  const parts = scope.filters.map((filter) => filterCondition(binder, filter))
  return [rangeCondition(binder, scope.range), ...parts].join(' AND ')
}

export function rangeCondition(binder: Binder, range: Range): string {
  return `f.time >= ${binder.bindTime(range.fromNs)} AND f.time < ${binder.bindTime(range.toNs)}`
}

export function filterCondition(binder: Binder, filter: Filter): string {
  const parts = filter.fields.flatMap((field) => fieldConditions(binder, field, filter.values))
  return `(${parts.join(' OR ')})`
}

function fieldConditions(binder: Binder, field: Field, values: readonly FilterValue[]): string[] {
  const column = field.kind === 'octets' ? `base64Encode(${columnOf(field)})` : columnOf(field)
  const ranges = values.filter(isAddressRange)
  const singles = values.filter((value) => !isAddressRange(value))
  const literals = singles.map((value) => literalOf(binder, field, value))
  if (field.kind === 'list') return literals.map((literal) => `has(${column}, ${literal})`)
  return [
    ...(literals.length > 0 ? [`${column} IN (${literals.join(', ')})`] : []),
    ...ranges.map(({ first, last }) => {
      const low = literalOf(binder, field, first)
      return `${column} BETWEEN ${low} AND ${literalOf(binder, field, last)}`
    }),
  ]
}

function isAddressRange(value: FilterValue): value is AddressRange {
  return typeof value === 'object'
}

function plain(value: FilterValue): string | number | bigint {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (isAddressRange(value)) throw new TypeError('a range of addresses is no single value')
  return value
}
