// Syntax → filter: every name is a field of the table, every value one that a row can have. What is wrong is said
// with its place and, where there is a guess, what was meant.

import { nearestName, parseInstant } from '../../common/mod.ts'
import { type AddressRange, parseAddressRange } from '../model/address.ts'
import type { Field, Table } from '../model/field.ts'
import { valueFault } from '../model/field-value.ts'
import { fieldsByName, type NamedFields } from '../model/names.ts'
import { filterError, inFilter } from './error.ts'
import type { Comparison, Filter, OrderOperator, Test, Value } from './filter.ts'
import { everything } from './filter.ts'
import { parseSyntax, type Syntax, type Written } from './parse.ts'
import { parsePattern } from './pattern.ts'
import { parseQuantity } from './quantity.ts'
import type { Token } from './scan.ts'

export interface FilterContext {
  readonly table: Table
  /** What `now` and `-15m` are relative to, nanoseconds since 1970. */
  readonly nowNs: bigint
}

/** A field as a filter may call it. */
interface Named {
  readonly fields: NamedFields
  /** The name lacks the field's unit: a number must bring one. */
  readonly needsUnit: boolean
}

const unitSuffix = /_(?:ns|bytes)$/

/** Throws AppError `bad_filter`, whose details are `filter`, `position` (characters from 0), `what` and `suggestion`. */
export function parseFilter(text: string, context: FilterContext): Filter {
  return inFilter(text, () => {
    const syntax = parseSyntax(text)
    return syntax ? check(syntax, context, namesOf(context.table)) : everything
  })
}

/** Every name that a filter on the table may use: fields, names for either end, quantities without their unit. */
export function namesOf(table: Table): ReadonlyMap<string, Named> {
  const names = new Map<string, Named>()
  for (const [name, fields] of fieldsByName(table)) names.set(name, { fields, needsUnit: false })
  for (const [name, { fields }] of [...names]) {
    const short = name.replace(unitSuffix, '')
    if (short !== name && !names.has(short)) names.set(short, { fields, needsUnit: true })
  }
  return names
}

function check(syntax: Syntax, context: FilterContext, names: ReadonlyMap<string, Named>): Filter {
  switch (syntax.kind) {
    case 'and':
    case 'or':
      return { kind: syntax.kind, parts: syntax.parts.map((part) => check(part, context, names)) }
    case 'not':
      return { kind: 'not', part: check(syntax.part, context, names) }
    case 'compare': {
      const named = names.get(syntax.name.text)
      if (!named) throw unknownName(syntax.name, names)
      return comparison(syntax, named, context)
    }
  }
}

function unknownName({ text, from }: Token, names: ReadonlyMap<string, Named>) {
  const suggestion = nearestName(text.toLowerCase(), [...names.keys()])
  return filterError(from, `${JSON.stringify(text)} is no field`, { suggestion })
}

function comparison(written: Written, named: Named, { nowNs }: FilterContext): Comparison {
  const { fields } = named
  const test = testOf(written, named, nowNs)
  return { kind: 'compare', fields, test }
}

function testOf(written: Written, named: Named, nowNs: bigint): Test {
  const { name, operator, values } = written
  const [field] = named.fields
  if (field.kind === 'octets') throw filterError(name.from, `${field.name} cannot be compared`)
  if (values.length === 0) {
    if (field.kind === 'flag') return { kind: 'in', values: [true] }
    throw filterError(name.to, 'an operator and a value are expected', { hint: 'for example = 1' })
  }
  const [first] = values as [Token]
  if (operator === '~') return matchOf(field, first)
  const read = (token: Token) => readValue(token, named, nowNs)
  if (operator === '=' || operator === 'in') return { kind: 'in', values: values.map(read) }
  return { kind: 'order', operator, value: orderValue(operator, field, first, read) }
}

function orderValue(
  operator: OrderOperator,
  { kind, name }: Field,
  token: Token,
  read: (token: Token) => Value,
): number | bigint {
  const hasOrder = kind === 'counter' || kind === 'time' || /^u\d/.test(kind)
  if (!hasOrder) throw filterError(token.from, `${name} has no order: ${operator} does not apply`)
  return read(token) as number | bigint
}

function matchOf({ kind, name }: Field, { text, from }: Token): Test {
  if (kind !== 'name' && kind !== 'text' && kind !== 'list') {
    throw filterError(from, `${name} is no text: ~ does not apply`)
  }
  parsePattern(text, from)
  return { kind: 'match', pattern: text }
}

function readValue(token: Token, { fields, needsUnit }: Named, nowNs: bigint): Value {
  const [field] = fields
  const { text, from } = token
  switch (field.kind) {
    case 'time':
      return timeOf(token, nowNs)
    case 'address':
      refuseFault(field, token)
      return parseAddressRange(text) as AddressRange
    case 'counter':
      return quantityOf(token, field, needsUnit)
    case 'u8':
    case 'u16':
    case 'u32': {
      const value = parseQuantity(text, field.unit)
      if (value === undefined) refuseFault(field, token)
      else refuseFault(field, { ...token, text: String(value) })
      return value as number
    }
    case 'id':
      refuseFault(field, token)
      return BigInt(text)
    case 'flag':
      refuseFault(field, token)
      return text === 'true'
    case 'name':
      // In quotes a star is a star: whoever means a pattern does not quote it.
      if (token.kind === 'word' || field.values) refuseFault(field, token)
      return text
    default:
      if (text.length > 65_536) throw filterError(from, 'this text is too long')
      return text
  }
}

function refuseFault(field: Field, { text, from }: Token): void {
  const fault = valueFault(field, text)
  if (!fault) return
  const { reason, hint, suggestion } = fault
  throw filterError(from, `${field.name}: ${reason}`, { suggestion, hint })
}

function timeOf({ text, from }: Token, nowNs: bigint): bigint {
  const ns = parseInstant(text, nowNs)
  if (ns !== undefined && ns >= 0n && ns < 2n ** 63n) return ns
  const hint = 'give "2026-11-21T14:32:10Z", now, or -15m'
  throw filterError(from, `${JSON.stringify(text)} is no time`, { hint })
}

function quantityOf({ text, from }: Token, field: Field, needsUnit: boolean): number {
  const value = parseQuantity(text, field.unit)
  const example = field.unit === 'ns' ? '5ms' : field.unit === 'bytes' ? '10MB' : '100'
  if (value === undefined) {
    throw filterError(from, `${JSON.stringify(text)} is no number of ${field.unit || 'things'}`, {
      hint: `for example ${example}`,
    })
  }
  if (needsUnit && /^\d+$/.test(text) && value !== 0) {
    const suggestion = field.unit === 'ns' ? `${text}ms` : `${text}B`
    throw filterError(from, `${text} has no unit`, { suggestion })
  }
  return value
}
