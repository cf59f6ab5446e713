// A filter as text again: parsed, the text gives the same tree.

import { type AddressRange, formatAddress } from '../model/address.ts'
import { type Comparison, type Filter, isAddressRange, type Value } from './filter.ts'

/** One line, with every joint and parenthesis written. The filter that every row meets is the empty text. */
export function formatFilter(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.parts.map(formatPart).join(` ${filter.kind} `)
    case 'not':
      return `not ${formatPart(filter.part)}`
    case 'compare':
      return formatComparison(filter)
  }
}

function formatPart(filter: Filter): string {
  const isJoint = filter.kind === 'and' || filter.kind === 'or'
  return isJoint ? `(${formatFilter(filter)})` : formatFilter(filter)
}

function formatComparison({ fields, test }: Comparison): string {
  const [first] = fields
  const name = fields.length > 1 ? first.name.replace(/^src_/, '') : first.name
  const write = (value: Value) => formatValue(value, first.kind === 'time')
  switch (test.kind) {
    case 'match':
      return `${name} ~ ${quoted(test.pattern)}`
    case 'order':
      return `${name} ${test.operator} ${write(test.value)}`
    case 'in': {
      const values = test.values.map(write)
      return values.length === 1 ? `${name} = ${values[0]}` : `${name} in (${values.join(', ')})`
    }
  }
}

function formatValue(value: Value, isTime: boolean): string {
  if (isAddressRange(value)) return formatRange(value)
  if (typeof value === 'string') return quotedIfNeeded(value)
  return isTime ? quoted(formatTime(value as bigint)) : String(value)
}

const plainWord = /^[A-Za-z0-9_][\w.:/-]*$/

/** A word that could be read as one of the language is quoted too. */
function quotedIfNeeded(text: string): string {
  return plainWord.test(text) && !/^(?:and|or|not|in)$/i.test(text) ? text : quoted(text)
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
  '\0': '\\0',
}

function quoted(text: string): string {
  return `"${text.replaceAll(/[\\"\n\t\r\0]/g, (letter) => escapes[letter] as string)}"`
}

function formatTime(ns: bigint): string {
  const second = new Date(Number(ns / 1_000_000_000n) * 1000).toISOString().slice(0, 19)
  return `${second}.${String(ns % 1_000_000_000n).padStart(9, '0')}Z`
}

/** An address, or the network: all addresses with the first bits that both ends share. */
function formatRange({ first, last }: AddressRange): string {
  const differs = first.findIndex((octet, index) => octet !== last[index])
  const text = formatAddress(first)
  if (differs < 0) return text
  const bits = differs * 8 + Math.clz32((first[differs] as number) ^ (last[differs] as number)) - 24
  return `${text}/${text.includes(':') ? bits : bits - 96}`
}
