// Every field is a parameter, repeatable, and `filter` is a text of the filter language: all of them together are one
// tree of conditions.

import type { AppError } from '../../common/mod.ts'
import {
  allOf,
  equality,
  type Field,
  type Filter,
  fieldsByName,
  flowTable,
  type NamedFields,
  parseFilter,
  type Table,
  tables,
  unmeasuredHint,
  unmeasuredProtocol,
  valueFault,
} from '../../wire/mod.ts'
import { badParameter } from '../errors.ts'
import type { Query } from './query.ts'
import { parseTime } from './time.ts'

const namesOf = new Map(tables.map((table) => [table, fieldsByName(table)]))

/** The field that a parameter of any route is compared with; undefined when it is none. */
export function parameterField(name: string): Field | undefined {
  return [...namesOf.values()].map((names) => names.get(name)?.[0]).find((field) => field)
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
  return fieldsNamed(flowTable, name)
}

/** The fields that a name of the table stands for; none for a name that it does not have. */
export function fieldsNamed(table: Table, name: string): readonly Field[] {
  return namesOf.get(table)?.get(name) ?? []
}

/** Throws AppError bad_parameter for a value, bad_filter for a filter that cannot be. */
export function filterOf(table: Table, query: Query, nowNs: bigint): Filter {
  const names = namesOf.get(table) ?? new Map<string, NamedFields>()
  const conditions = Object.entries(query).flatMap(([name, values]): Filter[] => {
    const fields = names.get(name)
    if (!fields) return []
    const texts = (values as readonly unknown[]).map(String)
    for (const text of texts) refuseFault(name, fields[0], { text, nowNs })
    return [equality(fields, texts, nowNs)]
  })
  const text = query['filter']
  if (typeof text === 'string') conditions.push(parseFilter(text, { table, nowNs }))
  const filter = allOf(conditions)
  const protocol = table === flowTable ? unmeasuredProtocol(filter) : undefined
  if (protocol === undefined) return filter
  throw badParameter('protocol', `"${protocol}" is not measured`, unmeasuredHint)
}

function refuseFault(
  name: string,
  field: Field,
  { text, nowNs }: { readonly text: string; readonly nowNs: bigint },
): void {
  const fault = faultOf(name, field, text)
  if (fault) throw fault
  if (field.kind === 'time') parseTime(name, text, nowNs)
}
