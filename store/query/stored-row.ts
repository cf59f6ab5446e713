// Rows as the engine prints them become rows as the API has them (the JSON column of wire/model/field.ts).

import {
  type Field,
  formatAddress,
  type JsonValue,
  type Metric,
  parseAddress,
} from '../../wire/mod.ts'
import type { StoredRow, StoredValue } from '../reader.ts'
import { columnOf } from './columns.ts'

/** `expression AS name`; what JSON numbers cannot hold is selected as text. */
export function selectOf(field: Field, expression = columnOf(field)): string {
  const asText = field.kind === 'time' || field.kind === 'id' || field.kind === 'address'
  const call = asText ? 'toString' : field.kind === 'octets' ? 'base64Encode' : ''
  return `${call === '' ? expression : `${call}(${expression})`} AS \`${field.name}\``
}

/** The value of a field in JSON. `undefined` in the row is a bug of ours: it throws. */
export function fieldValue(field: Field, row: StoredRow): JsonValue {
  const value = present(field.name, row)
  if (value === null) return null
  switch (field.kind) {
    case 'time':
      return `${String(value).replace(' ', 'T')}Z`
    case 'address':
      return addressText(String(value))
    case 'name':
    case 'text':
    case 'octets':
    case 'id':
      return String(value)
    case 'list':
      return value as readonly string[]
    case 'flag':
      return Number(value) === 1
    default:
      return integer(field.name, value)
  }
}

export function metricValue(metric: Metric, row: StoredRow): number | null {
  const value = present(metric.name, row)
  return value === null ? null : integer(metric.name, value)
}

/** A whole number below 2^53, rounded when the engine computed a fraction (percentiles). */
export function integer(name: string, value: StoredValue): number {
  const number = Math.round(Number(value))
  if (!Number.isSafeInteger(number)) throw new RangeError(`${name} is beyond 2^53: ${value}`)
  return number
}

function present(name: string, row: StoredRow): StoredValue {
  const value = row[name]
  if (value === undefined) throw new TypeError(`the store gave no column ${name}`)
  return value
}

/** The engine prints `::ffff:1.2.3.4` and single zero groups as `::`; RFC 5952 does neither. */
function addressText(text: string): string {
  const octets = parseAddress(text)
  return octets ? formatAddress(octets) : text
}
