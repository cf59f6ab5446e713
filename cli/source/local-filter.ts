// The filters of the API over batches in memory, for `--local`: the same tree that a central makes of them.

import { parseInstant } from '../../common/mod.ts'
import {
  allOf,
  equality,
  type Filter,
  fieldsByName,
  fieldsIn,
  flowTable,
  parseFilter,
} from '../../wire/mod.ts'
import { cliError } from '../errors.ts'
import { filterFault } from './filter-flags.ts'
import type { Question } from './server.ts'

const names = fieldsByName(flowTable)
const stored = new Set(flowTable.fields.map(({ name }) => name))

/**
 * Values of one name are alternatives, names are all required, and so is a `filter`. Throws AppError bad_flag,
 * bad_value, bad_filter.
 */
export function localFilter(filters: Question, nowMs = Date.now()): Filter {
  const nowNs = BigInt(nowMs) * 1_000_000n
  const texts = Map.groupBy(filters, ([name]) => name)
  const conditions = [...texts].map(([name, pairs]) => {
    if (name === 'filter') return ofLanguage(pairs.map(([, text]) => text).join(' '), nowNs)
    return ofFlag(
      name,
      pairs.map(([, text]) => text),
      nowNs,
    )
  })
  return allOf(conditions)
}

function ofLanguage(text: string, nowNs: bigint): Filter {
  const filter = parseFilter(text, { table: flowTable, nowNs })
  for (const name of fieldsIn(filter)) if (!stored.has(name)) throw notHere('filter', name)
  return filter
}

function ofFlag(name: string, texts: readonly string[], nowNs: bigint): Filter {
  const fields = names.get(name)
  if (!fields || !stored.has(fields[0].name)) throw notHere(name, name)
  const [field] = fields
  for (const text of texts) {
    const fault = filterFault(name, field, text)
    if (fault) throw fault
    if (field.kind === 'time' && parseInstant(text, nowNs) === undefined) {
      throw bad(name, text, 'a time in RFC 3339, now, or -15m')
    }
  }
  return equality(fields, texts, nowNs)
}

function notHere(name: string, field: string): Error {
  return bad(name, field, 'no --local: only the store computes this field')
}

function bad(name: string, value: string, expected: string): Error {
  const flag = `--${name.replaceAll('_', '-')}`
  return cliError('bad_value', { details: { command: 'flows', name: flag, value, expected } })
}
