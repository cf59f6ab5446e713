// What a flow row says to a person: its ends, its state in a word, its age, and what to filter by.

import type { Values } from '../data/contract.ts'
import type { Filter } from './location.ts'

export type Side = 'src' | 'dst'

/** One end of a connection. `name` is the process where it is known, else the address. */
export interface End {
  readonly name: string
  readonly byProcess: boolean
  readonly pid: string
  readonly address: string
  readonly port: string
}

export interface StateWord {
  readonly word: string
  readonly failing: boolean
  readonly filter: Filter
}

const words: Readonly<Record<string, string>> = {
  reset_by_src: 'reset by src',
  reset_by_dst: 'reset by dst',
  no_port: 'no free port',
}

/** The end of a row on one side. */
export function endOf(row: Values, side: Side): End {
  const process = text(row, `${side}_process`)
  const address = text(row, `${side}_address`)
  const pid = text(row, `${side}_pid`)
  return {
    name: process === '' ? placeOf(address) : process,
    byProcess: process !== '',
    pid: pid === '0' ? '' : pid,
    address,
    port: text(row, `${side}_port`),
  }
}

/** The filters that mean "this end": its process or address, and the port of a responder. */
export function endFilters(row: Values, side: Side): Filter[] {
  const { byProcess, address, port } = endOf(row, side)
  const who = byProcess
    ? { field: `${side}_process`, value: text(row, `${side}_process`) }
    : { field: `${side}_address`, value: address }
  return side === 'dst' ? [who, { field: 'dst_port', value: port }] : [who]
}

/** `open`, `closed`, `ECONNREFUSED`, …: an error beats the reason, the reason beats the TCP state. */
export function stateOf(row: Values): StateWord {
  const reason = text(row, 'end_reason')
  const errno = text(row, 'errno')
  if (errno !== '') return { word: errno, failing: true, filter: { field: 'errno', value: errno } }
  if (reason === '') {
    const state = text(row, 'state')
    const filter = { field: 'state', value: state }
    return { word: /^estab/i.test(state) ? 'open' : state.toLowerCase(), failing: false, filter }
  }
  const filter = { field: 'end_reason', value: reason }
  return { word: words[reason] ?? reason, failing: reason !== 'closed', filter }
}

/** Nanoseconds from open to close, or to the row's time; undefined when the opening was not seen. */
export function ageNs(row: Values): number | undefined {
  const start = row['start']
  if (typeof start !== 'string') return undefined
  return nsBetween(start, text(row, 'end') || text(row, 'time'))
}

/** Nanoseconds between two RFC 3339 times of the API, without passing through a lossy sum. */
export function nsBetween(from: string, to: string): number {
  const seconds = (wholeSeconds(to) - wholeSeconds(from)) / 1000
  return seconds * 1e9 + fraction(to) - fraction(from)
}

/** Segments sent again in both directions; undefined when neither end could count them. */
export function retransmitsOf(row: Values): number | undefined {
  const { retransmits, reverse_retransmits: back } = row
  if (typeof retransmits !== 'number' && typeof back !== 'number') return undefined
  return Number(retransmits ?? 0) + Number(back ?? 0)
}

const estimable = new Set(
  ['bytes', 'packets', 'total_bytes'].flatMap((name) => {
    return [name, name.startsWith('total') ? 'total_reverse_bytes' : `reverse_${name}`]
  }),
)

/** One packet in so many was counted for this field of the row; 1 = its number is exact. */
export function samplingOf(row: Values, name: string): number {
  return estimable.has(name) ? Math.max(1, Number(row['sampling'] ?? 0)) : 1
}

/** Whether the sums of a group are estimates: some of its rows are. */
export function isEstimated(group: Values | undefined): boolean {
  return Number(group?.['estimated'] ?? 0) > 0
}

/** The value of a field as text; '' for null and for what is not there. */
export function text(row: Values, name: string): string {
  const value = row[name]
  return value === null || value === undefined ? '' : String(value)
}

/** An address as people say it: the loopback addresses are the host itself. */
export function placeOf(address: string): string {
  return /^(?:::ffff:)?127\.|^::1$/.test(address) ? 'this host' : bracketed(address)
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}

function wholeSeconds(time: string): number {
  return Date.parse(`${time.slice(0, 19)}Z`)
}

function fraction(time: string): number {
  const digits = /\.(\d+)/.exec(time)?.[1] ?? ''
  return Number(digits.padEnd(9, '0').slice(0, 9))
}
