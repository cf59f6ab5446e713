// Every field is a parameter, repeatable: here their values become filters.

import type { AppError } from '../../common/mod.ts'
import type { Filter, FilterValue } from '../../store/query/mod.ts'
import { type Field, flowTable, ledgerTable, valueFault } from '../../wire/mod.ts'
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

/** The field that a parameter of any route is compared with; undefined when it is none. */
export function parameterField(name: string): Field | undefined {
  return (flowFields.get(name) ?? ledgerFields.get(name))?.[0]
}

/** Why no row can have this value, as an error; undefined when one can. */
export function faultOf(name: string, field: Field, text: string): AppError | undefined {
  const fault = valueFault(field, text)
  if (!fault) return undefined
  const example = fault.example === undefined ? '' : ` For example ${name}=${fault.example}.`
  return badParameter(name, fault.reason, fault.hint + example, fault.suggestion)
}

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
  const fault = faultOf(name, field, String(value))
  if (fault) throw fault
  switch (field.kind) {
    case 'address':
      return parseAddressValue(name, String(value))
    case 'time':
      return parseTime(name, String(value), nowNs)
    case 'id':
      return BigInt(String(value))
    default:
      return value
  }
}
