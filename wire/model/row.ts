// A row of a batch as the plain object that the API's JSON has: for the live tail, `--local` and tests.

import { rfc3339 } from '../../common/mod.ts'
import { formatAddress } from './address.ts'
import type { Batch, Column } from './columns.ts'

/** What a field can be in JSON. */
export type JsonValue = string | number | boolean | null | readonly string[]
/** Field name → value, as in the API. */
export type Row = Readonly<Record<string, JsonValue>>

/** Row `index` of the batch as the plain object that JSON answers hold: a member for each column that the batch has. */
export function rowOf(batch: Batch, index: number): Row {
  // A copy of an object that has all its members: 60 of them, added one by one, would be a table of hashes each.
  const row: Record<string, JsonValue> = { ...templateOf(batch.columns) }
  for (const name in row) row[name] = jsonOf(batch, batch.columns[name] as Column, index)
  return row
}

const templates = new WeakMap<Batch['columns'], Row>()

function templateOf(columns: Batch['columns']): Row {
  const known = templates.get(columns)
  if (known) return known
  const members = Object.keys(columns).map((name) => `"${name}":null`)
  const made = JSON.parse(`{${members.join()}}`) as Row
  templates.set(columns, made)
  return made
}

function jsonOf(batch: Batch, column: Column, index: number): JsonValue {
  if (column.nulls?.[index] === 1) return null
  const { values } = column
  switch (column.field.kind) {
    case 'time':
      return rfc3339(pairOf(values, index))
    case 'id':
      return pairOf(values, index).toString()
    case 'address':
      return formatAddress(values as Uint8Array, index * 16)
    case 'name':
    case 'text':
      return batch.names.text(values[index] as number)
    case 'octets':
      return Buffer.from(batch.heap.octets[values[index] as number] as Uint8Array).toString(
        'base64',
      )
    case 'list':
      return batch.heap.lists[values[index] as number] as readonly string[]
    case 'flag':
      return values[index] === 1
    default:
      return values[index] as number
  }
}

function pairOf(values: Column['values'], index: number): bigint {
  return (BigInt(values[index * 2 + 1] as number) << 32n) | BigInt(values[index * 2] as number)
}
