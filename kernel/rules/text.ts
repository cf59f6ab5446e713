// The language of rule files. One rule per line, words in any order behind the action; # begins a comment.
//
//   drop from 192.0.2.0/24 label 7
//   pass from 10.0.0.0/8 to 10.1.0.0/16 proto tcp port 80-443 priority 10
//   limit 20pps proto icmp ban 60s label 3
//   drop from 2001:db8::/32 interface eth0 shadow ttl 1h

import { parseDurationMs } from '../../common/mod.ts'
import { formatPrefix, isMapped, parsePrefix } from './address.ts'
import { isWithin, type PortRange, type Rate, type Rule } from './rule.ts'

/** Where a text is wrong: both from 1. */
export interface RuleMistake {
  readonly line: number
  readonly character: number
  readonly reason: string
}

export interface ParsedRules {
  /** Empty if there is a mistake: nothing is half-applied. */
  readonly rules: readonly Rule[]
  readonly mistake?: RuleMistake
}

const protocols: Readonly<Record<string, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  sctp: 132,
  udplite: 136,
}

const units: Readonly<Record<string, readonly ['packets' | 'bytes', number]>> = {
  pps: ['packets', 1],
  kpps: ['packets', 1e3],
  mpps: ['packets', 1e6],
  bps: ['bytes', 1],
  kbps: ['bytes', 1e3],
  mbps: ['bytes', 1e6],
  gbps: ['bytes', 1e9],
}

/** Reads a whole text; the first mistake is the answer. */
export function parseRules(text: string): ParsedRules {
  const rules: Rule[] = []
  let line = 0
  for (const content of text.split('\n')) {
    line++
    const words = wordsOf(content)
    if (words.length === 0) continue
    const rule = parseLine(words)
    if ('reason' in rule) return { rules: [], mistake: { line, ...rule } }
    rules.push(rule)
  }
  return { rules }
}

function wordsOf(line: string): readonly Word[] {
  const comment = line.indexOf('#')
  const content = comment < 0 ? line : line.slice(0, comment)
  const words: Word[] = []
  const pattern = /\S+/g
  for (let found = pattern.exec(content); found; found = pattern.exec(content)) {
    words.push({ text: found[0], character: found.index + 1 })
  }
  return words
}

interface Word {
  readonly text: string
  readonly character: number
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Draft = Mutable<Rule> & { banMs?: number }

/** Fills the draft from the words behind a keyword, or says what is wrong with them. */
type Clause = (rule: Draft, value: string) => string | undefined

const clauses: Readonly<Record<string, Clause>> = {
  from: (rule, value) => prefix(rule, 'source', value),
  to: (rule, value) => prefix(rule, 'destination', value),
  proto: (rule, value) => {
    const number = protocols[value.toLowerCase()] ?? wholeNumber(value, 255)
    if (number === undefined) return `expected ${Object.keys(protocols).join(', ')} or 0 to 255`
    rule.protocol = number
    return undefined
  },
  port: (rule, value) => ports(value, (found) => (rule.ports = found)),
  sport: (rule, value) => ports(value, (found) => (rule.sourcePorts = found)),
  interface: (rule, value) => {
    if (!isInterfaceName(value)) return 'expected the name of an interface: 1 to 15 characters'
    rule.interface = value
    return undefined
  },
  label: (rule, value) => number(value, 0xffffffff, (found) => (rule.label = found)),
  priority: (rule, value) => number(value, 0xffff, (found) => (rule.priority = found)),
  ttl: (rule, value) => duration(value, (found) => (rule.ttlMs = found)),
  ban: (rule, value) => duration(value, (found) => (rule.banMs = found)),
}

const known = ['shadow', ...Object.keys(clauses)]

function parseLine(words: readonly Word[]): Rule | Omit<RuleMistake, 'line'> {
  const [action, ...rest] = words as [Word, ...Word[]]
  const rule: Draft = { action: 'pass', label: 0, priority: 0, shadow: false }
  if (action.text === 'limit') {
    const given = rest.shift()
    const rate = parseRate(given?.text ?? '')
    if (rate === undefined) {
      return at(given ?? action, 'expected a rate behind limit, for example 20pps or 1MBps')
    }
    rule.rate = rate
  }
  if (!isAction(action.text)) return at(action, 'a rule begins with pass, drop or limit')
  rule.action = action.text
  const mistake = parseClauses(rule, rest)
  return mistake ?? finished(rule, action)
}

function parseClauses(rule: Draft, rest: readonly Word[]): Omit<RuleMistake, 'line'> | undefined {
  const seen = new Set<string>()
  for (let index = 0; index < rest.length; index++) {
    const word = rest[index] as Word
    if (!known.includes(word.text)) {
      return at(word, `unknown word ${word.text}; expected one of ${known.join(', ')}`)
    }
    if (seen.has(word.text)) return at(word, `${word.text} stands twice`)
    seen.add(word.text)
    if (word.text === 'shadow') {
      rule.shadow = true
      continue
    }
    const value = rest[++index]
    if (value === undefined) return at(word, `${word.text} needs a value`)
    const reason = clauses[word.text]?.(rule, value.text)
    if (reason !== undefined) return at(value, reason)
  }
  return undefined
}

/** Conditions that can never hold together are mistakes, not rules that do nothing. */
function finished({ banMs, ...rule }: Draft, action: Word): Rule | Omit<RuleMistake, 'line'> {
  const { rate, protocol, ports, sourcePorts, source, destination } = rule
  if (banMs !== undefined && rate === undefined) return at(action, 'ban belongs to limit')
  if ((ports ?? sourcePorts) && protocol !== undefined && !portProtocols.has(protocol)) {
    return at(action, 'this protocol has no ports')
  }
  const ends = [source, destination].filter((end) => end !== undefined)
  const families = new Set(ends.map(({ bits, address }) => bits >= 96 && isMapped(address)))
  if (families.size === 2 || (rule.family === 6 && families.has(true))) {
    return at(action, 'source and destination are of different families')
  }
  // Another prefix says so already.
  const implied = ends.some((end) => end.bits >= 96 || !isWithin(firstMapped, end))
  if (implied) delete rule.family
  return rate === undefined ? rule : { ...rule, rate: { ...rate, banMs: banMs ?? 0 } }
}

const portProtocols = new Set([6, 17, 33, 132, 136])

function at({ character }: Word, reason: string): Omit<RuleMistake, 'line'> {
  return { character, reason }
}

function isAction(text: string): text is Rule['action'] {
  return text === 'pass' || text === 'drop' || text === 'limit'
}

/** `20pps`, `1MBps` → a rate; undefined if it is none. */
export function parseRate(text: string): Rate | undefined {
  const match = /^(\d{1,10}(?:\.\d{1,3})?)([a-z]+)$/i.exec(text)
  const unit = units[(match?.[2] ?? '').toLowerCase()]
  if (match === null || unit === undefined) return undefined
  const perSecond = Math.round(Number(match[1]) * unit[1])
  // More would need more than 64 bits in the program.
  if (perSecond < 1 || perSecond > 1e11) return undefined
  return { unit: unit[0], perSecond, banMs: 0 }
}

function prefix(rule: Draft, end: 'source' | 'destination', value: string): string | undefined {
  const parsed = value === 'any' ? undefined : parsePrefix(value)
  if (parsed === undefined || typeof parsed === 'string') return parsed
  if (isWithin(firstMapped, parsed) && parsed.bits < 96) rule.family = 6
  if (parsed.bits > 0) rule[end] = parsed
  return undefined
}

/** `::ffff:0.0.0.0`: where IPv4 begins. */
const firstMapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0)

function ports(value: string, found: (range: PortRange) => void): string | undefined {
  const [from, to = from, ...more] = value.split('-').map((part) => wholeNumber(part, 65_535))
  if (from === undefined || to === undefined || more.length > 0 || from > to) {
    return 'expected a port or a range, for example 443 or 8000-8099'
  }
  found({ from, to })
  return undefined
}

function number(text: string, most: number, found: (value: number) => void): string | undefined {
  const value = wholeNumber(text, most)
  if (value === undefined) return `expected a whole number from 0 to ${most}`
  found(value)
  return undefined
}

function duration(text: string, found: (ms: number) => void): string | undefined {
  const ms = parseDurationMs(text)
  if (ms === undefined || ms < 1 || ms > 0xffffffff)
    return 'expected a time span, for example 60s or 1h'
  found(Math.round(ms))
  return undefined
}

function wholeNumber(text: string, most: number): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) <= most ? Number(text) : undefined
}

/** As the kernel has it. */
export function isInterfaceName(text: string): boolean {
  return /^[^\s/:]{1,15}$/.test(text) && text !== '.' && text !== '..'
}

/** One rule as the line that `parseRules` reads. */
export function formatRule(rule: Rule): string {
  const { rate, source, destination, protocol, ports: range, sourcePorts, ttlMs } = rule
  const rangeText = ({ from, to }: PortRange) => (from === to ? String(from) : `${from}-${to}`)
  return [
    rate ? `limit ${rate.perSecond}${rate.unit === 'packets' ? 'pps' : 'Bps'}` : rule.action,
    rule.family === 6 && !source && !destination && 'from ::/0',
    source && `from ${formatPrefix(source)}`,
    destination && `to ${formatPrefix(destination)}`,
    protocol !== undefined && `proto ${protocolName(protocol)}`,
    range && `port ${rangeText(range)}`,
    sourcePorts && `sport ${rangeText(sourcePorts)}`,
    rule.interface && `interface ${rule.interface}`,
    rule.label > 0 && `label ${rule.label}`,
    rule.priority > 0 && `priority ${rule.priority}`,
    rate && rate.banMs > 0 && `ban ${rate.banMs}ms`,
    rule.shadow && 'shadow',
    ttlMs !== undefined && `ttl ${ttlMs}ms`,
  ]
    .filter((part) => part)
    .join(' ')
}

/** `tcp`, or the number. */
export function protocolName(protocol: number): string {
  return Object.keys(protocols).find((name) => protocols[name] === protocol) ?? String(protocol)
}
