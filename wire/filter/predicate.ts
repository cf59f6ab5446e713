// A filter over the columns of a batch: for live readers, exports and `--local`, where no engine is. Texts are
// looked at once per distinct text, rows are numbers and indexes.

import { wireError } from '../errors.ts'
import type { AddressRange } from '../model/address.ts'
import type { Batch, Column } from '../model/columns.ts'
import type { Interner } from '../model/interner.ts'
import { type Comparison, type Filter, isAddressRange, type Test, type Value } from './filter.ts'
import { parsePattern } from './pattern.ts'

/** Whether a row of the batch passes. */
export type RowTest = (row: number) => boolean

/**
 * The filter for rows of this batch: made again when the batch's columns are (a batch that has grown or begun
 * anew). Throws `not_here` for fields that only the store computes.
 */
export function rowTest(filter: Filter, batch: Batch): RowTest {
  switch (filter.kind) {
    case 'and': {
      const parts = filter.parts.map((part) => rowTest(part, batch))
      return (row) => {
        for (const part of parts) if (!part(row)) return false
        return true
      }
    }
    case 'or': {
      const parts = filter.parts.map((part) => rowTest(part, batch))
      return (row) => {
        for (const part of parts) if (part(row)) return true
        return false
      }
    }
    case 'not': {
      const part = rowTest(filter.part, batch)
      return (row) => !part(row)
    }
    case 'compare':
      return eitherEnd(filter, batch)
  }
}

function eitherEnd({ fields, test }: Comparison, batch: Batch): RowTest {
  const [first, second] = fields.map(({ name }) => {
    const column = batch.columns[name]
    if (!column) throw wireError('not_here', { details: { name } })
    return columnTest(column, test, batch)
  })
  if (!first) return () => false
  return second ? (row) => first(row) || second(row) : first
}

function columnTest(column: Column, test: Test, batch: Batch): RowTest {
  const { nulls } = column
  const known = valueTest(column, test, batch)
  return nulls ? (row) => nulls[row] === 0 && known(row) : known
}

function valueTest({ field, values }: Column, test: Test, batch: Batch): RowTest {
  switch (field.kind) {
    case 'name':
    case 'text': {
      const passes = perText(batch.names, textTest(test))
      return (row) => passes(values[row] as number)
    }
    case 'list': {
      const passes = textTest(test)
      return (row) => (batch.heap.lists[values[row] as number] ?? []).some(passes)
    }
    case 'time':
    case 'id':
      return pairTest(values, test)
    case 'address':
      return addressTest(values as Uint8Array, test)
    case 'flag':
      return flagTest(values, test)
    default:
      return numberTest(values, test)
  }
}

/** Remembers what the test said of each text: 0 not asked yet, 1 no, 2 yes. */
function perText(names: Interner, passes: (text: string) => boolean): (index: number) => boolean {
  let said = new Uint8Array(256)
  return (index) => {
    if (index >= said.length) {
      const larger = new Uint8Array(Math.max(said.length * 2, index + 1))
      larger.set(said)
      said = larger
    }
    if (said[index] === 0) said[index] = passes(names.text(index)) ? 2 : 1
    return said[index] === 2
  }
}

function textTest(test: Test): (text: string) => boolean {
  if (test.kind === 'match') return parsePattern(test.pattern)
  const texts = new Set<Value>(valuesOf(test))
  return (text) => texts.has(text)
}

function numberTest(values: Column['values'], test: Test): RowTest {
  if (test.kind === 'order') {
    const passes = orderTest(test)
    return (row) => passes(values[row] as number)
  }
  const numbers = new Set<Value>(valuesOf(test))
  return (row) => numbers.has(values[row] as number)
}

function flagTest(values: Column['values'], test: Test): RowTest {
  const wanted = new Set(valuesOf(test).map((value) => (value === true ? 1 : 0)))
  return (row) => wanted.has((values[row] as number) === 0 ? 0 : 1)
}

function pairTest(values: Column['values'], test: Test): RowTest {
  const at = (row: number) =>
    (BigInt(values[row * 2 + 1] as number) << 32n) | BigInt(values[row * 2] as number)
  if (test.kind === 'order') {
    const passes = orderTest(test)
    return (row) => passes(at(row))
  }
  const pairs = new Set<Value>(valuesOf(test))
  return (row) => pairs.has(at(row))
}

function orderTest({ operator, value }: Extract<Test, { kind: 'order' }>) {
  const tests = {
    '<': (found: number | bigint) => found < value,
    '<=': (found: number | bigint) => found <= value,
    '>': (found: number | bigint) => found > value,
    '>=': (found: number | bigint) => found >= value,
  }
  return tests[operator]
}

function addressTest(octets: Uint8Array, test: Test): RowTest {
  const ranges = valuesOf(test).filter(isAddressRange)
  return (row) => ranges.some((range) => isWithin(octets, row * 16, range))
}

function isWithin(octets: Uint8Array, at: number, { first, last }: AddressRange): boolean {
  return compare(octets, at, first) >= 0 && compare(octets, at, last) <= 0
}

function compare(octets: Uint8Array, at: number, other: Uint8Array): number {
  for (let index = 0; index < 16; index++) {
    const difference = (octets[at + index] as number) - (other[index] as number)
    if (difference !== 0) return difference
  }
  return 0
}

function valuesOf(test: Test): readonly Value[] {
  return test.kind === 'in' ? test.values : []
}
