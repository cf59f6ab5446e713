// Every field is a parameter, repeatable: here their values become filters.

import type { Filter, FilterValue } from '../../store/query/mod.ts'
import { type Field, flowTable, ledgerTable } from '../../wire/mod.ts'
import { endPairs } from '../contract/mod.ts'
import { badParameter } from '../errors.ts'
import { parseAddressValue } from './address.ts'
import { parseTime } from './time.ts'

/** A validated query string: what Ajv left of it. */
export type Query = Readonly<Record<string, unknown>>

type Value = string | number | boolean

const flowFields = new Map<string, readonly Field[]>([
  ...[...flowTable.fields, ...flowTable.derived].map(named),
  ...endPairs().map(({ name, src, dst }): [string, Field[]] => [name, [src, dst]]),
])
const ledgerFields = new Map<string, readonly Field[]>(ledgerTable.fields.map(named))

/** The fields that a name of flows stands for: itself, or both ends. */
export function flowFieldsOf(name: string): readonly Field[] {
  return flowFields.get(name) ?? []
}

export function flowFiltersOf(query: Query, nowNs: bigint): readonly Filter[] {
  return filtersOf(query, flowFields, nowNs)
}

export function ledgerFiltersOf(query: Query, nowNs: bigint): readonly Filter[] {
  return filtersOf(query, ledgerFields, nowNs)
}

function named(field: Field): [string, Field[]] {
  return [field.name, [field]]
}

function filtersOf(
  query: Query,
  known: ReadonlyMap<string, readonly Field[]>,
  nowNs: bigint,
): readonly Filter[] {
  return Object.entries(query).flatMap(([name, values]) => {
    const fields = known.get(name)
    if (!fields) return []
    const parse = (value: Value) => filterValue(name, fields[0] as Field, value, nowNs)
    return [{ fields, values: (values as readonly Value[]).map(parse) }]
  })
}

function filterValue(name: string, field: Field, value: Value, nowNs: bigint): FilterValue {
  switch (field.kind) {
    case 'address':
      return parseAddressValue(name, String(value))
    case 'time':
      return parseTime(name, String(value), nowNs)
    case 'id':
      return idOf(name, String(value))
    default:
      return value
  }
}

function idOf(name: string, text: string): bigint {
  const id = BigInt(text)
  if (id < 2n ** 64n) return id
  throw badParameter(name, 'is beyond 2^64', 'Give the decimal id as an answer shows it.')
}
