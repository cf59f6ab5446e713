// The filters of the API over rows in memory, for `--local`: values of one name are alternatives, names are
// all required, a name without its end means either.

import { BlockList, isIP } from 'node:net'
import { type Field, flowTable, type JsonValue, type Row } from '../../wire/mod.ts'
import { cliError } from '../errors.ts'
import { endsOf, filterFault } from './filter-flags.ts'
import type { Question } from './server.ts'

type Test = (value: JsonValue) => boolean

const fields = new Map<string, Field>(flowTable.fields.map((field) => [field.name, field]))

/** Throws AppError bad_flag, bad_value for a value that no such field can have. */
export function predicateOf(filters: Question): (row: Row) => boolean {
  const alternatives = new Map<string, Test[]>()
  for (const [name, value] of filters) {
    const tests = alternatives.get(name) ?? []
    tests.push(testOf(name, value))
    alternatives.set(name, tests)
  }
  const checks = [...alternatives].map(([name, tests]) => {
    const ends = endsOf(name)
    return (row: Row) => ends.some((end) => tests.some((test) => test(row[end] ?? null)))
  })
  return (row) => checks.every((check) => check(row))
}

function testOf(name: string, value: string): Test {
  const field = fields.get(name) ?? fields.get(`src_${name}`)
  if (!field) throw bad(name, value, 'no --local: only the store computes this field')
  const fault = filterFault(name, field, value)
  if (fault) throw fault
  switch (field.kind) {
    case 'name':
    case 'text':
    case 'octets':
      return (found) => found === value
    case 'list':
      return (found) => Array.isArray(found) && found.includes(value)
    case 'address':
      return addressTest(value)
    case 'flag':
      return (found) => found === (value === 'true')
    case 'time':
      if (Number.isNaN(Date.parse(value))) throw bad(name, value, 'a time in RFC 3339')
      return (found) => typeof found === 'string' && exact(found) === exact(value)
    default:
      return (found) => found !== null && String(found) === String(BigInt(value))
  }
}

function addressTest(value: string): Test {
  const [address = '', length] = value.split('/')
  const family = isIP(address)
  const prefix = length === undefined ? (family === 4 ? 32 : 128) : Number(length)
  const range = new BlockList()
  range.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6')
  return (found) => {
    const text = String(found)
    return isIP(text) === family && range.check(text, family === 4 ? 'ipv4' : 'ipv6')
  }
}

/** Seconds and nanoseconds since 1970; Date alone knows milliseconds. */
function exact(time: string): string {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? ''
  const whole = Math.floor(Date.parse(time.replace(/\.\d+/, '')) / 1000)
  return `${whole}.${fraction.padEnd(9, '0')}`
}

function bad(name: string, value: string, expected: string): Error {
  const flag = `--${name.replaceAll('_', '-')}`
  return cliError('bad_value', { details: { command: 'flows', name: flag, value, expected } })
}
