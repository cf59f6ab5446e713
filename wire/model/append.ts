// Appends a row given as a plain object: for the ledger, fakes and tests, never for hot paths.

import assert from 'node:assert/strict'
import { parseAddress } from './address.ts'
import type { Batch, Column } from './columns.ts'

/** Times and ids are bigint, addresses and names text; fields left out are null, 0, '' or empty. */
export type RowValue = string | number | boolean | bigint | null | Uint8Array | readonly string[]
export type RowValues = Readonly<Record<string, RowValue>>

/** Fills the next row of the batch; asserts that there is room and that every name is a field's. */
export function appendRow(batch: Batch, row: RowValues): void {
  assert.ok(batch.length < batch.capacity, 'the batch is full')
  for (const name of Object.keys(row)) assert.ok(batch.columns[name], `${name} is no field`)
  for (const field of batch.table.fields) {
    const column = batch.columns[field.name] as Column
    setValue(batch, column, row[field.name] ?? null)
  }
  batch.length++
}

function setValue(batch: Batch, column: Column, value: RowValue): void {
  const { values, nulls, field } = column
  const row = batch.length
  if (nulls) nulls[row] = value === null ? 1 : 0
  switch (field.kind) {
    case 'time':
    case 'id': {
      const number = BigInt((value ?? 0) as bigint)
      values[row * 2] = Number(number & 0xffff_ffffn)
      values[row * 2 + 1] = Number(number >> 32n)
      break
    }
    case 'address':
      values.set(parseAddress(String(value ?? '::')) as Uint8Array, row * 16)
      break
    case 'name':
    case 'text':
      values[row] = batch.names.index(String(value ?? ''))
      break
    case 'octets':
      values[row] = value ? batch.heap.octets.push(value as Uint8Array) - 1 : 0
      break
    case 'list':
      values[row] = value ? batch.heap.lists.push(value as readonly string[]) - 1 : 0
      break
    default:
      values[row] = Number(value ?? 0)
  }
}
