// Records of exporters → rows of view interface, in columns. One batch for all exporters, cut by node when it leaves.

import {
  type Batch,
  type Column,
  clearBatch,
  createBatch,
  flowTable,
  grown,
  ipProtocols,
  pickRows,
  sipHash24,
} from '../../../wire/mod.ts'
import type { FlowRecord } from './flow-record.ts'
import { type FlowTimes, timesOf, writeMs } from './moment.ts'
import { createSides } from './sides.ts'
import type { ExportClock, Stream } from './streams.ts'
import { samplingOf } from './templated.ts'

export interface FlowRows {
  /** Adds the row of a record; 'too_large' when no number can hold its estimate. */
  add(record: FlowRecord, from: RowOrigin): 'added' | 'times_replaced' | 'too_large'
  length(): number
  /** The rows by node; they are the caller's, and the batch is empty again. */
  take(): readonly NodeBatch[]
}

export interface RowOrigin {
  readonly stream: Stream
  /** Name of the exporter. */
  readonly node: string
  /** Of the configuration; 0 when it does not say. */
  readonly sampling: number
  readonly clock: ExportClock
}

export interface NodeBatch {
  readonly node: string
  readonly batch: Batch
}

const capacity = 1_024
/** Texts of interfaces and flags: beyond, an interner begins anew. */
const namesMax = 50_000
const icmp = new Set([1, 58])
const flagLetters = ['F', 'S', 'R', 'P', 'A', 'U', 'E', 'C']
const flagTexts = Array.from({ length: 256 }, (_, flags) =>
  flagLetters
    .map((letter, bit) => ((flags >> bit) & 1 ? letter : ''))
    .toReversed()
    .join(''),
)

/** `key`: four u32, of the fleet. */
export function createFlowRows(key: Uint32Array): FlowRows {
  let batch = createBatch(flowTable, capacity)
  const times: FlowTimes = { endMs: 0, startMs: 0, isReplaced: false }
  const sides = createSides()
  const id = createConnectionId(key)

  function add(record: FlowRecord, origin: RowOrigin) {
    const rate = Math.round(rateOf(record, origin)) || 1
    const isSwapped = isReversed(record)
    const counters = countersOf(record, isSwapped)
    if (counters.some((value) => !(value * rate < Number.MAX_SAFE_INTEGER))) return 'too_large'
    if (batch.length === batch.capacity) batch = grown(batch)
    const row = batch.length++
    const { columns, names } = batch
    timesOf(record, { ...origin.clock, initMs: origin.stream.initMs }, times)
    clearRow(columns, row)
    const set = (name: string, value: number) => {
      ;(columns[name] as Column).values[row] = value
    }
    set('node', names.index(origin.node))
    set('view', names.index('interface'))
    set('observer', names.index('transit'))
    set('protocol', names.index(ipProtocols[record.protocol] ?? ''))
    set('interface', names.index(interfaceOf(record, origin.stream)))
    set('direction', names.index(directionOf(record, isSwapped)))
    set(
      isSwapped ? 'reverse_tcp_flags' : 'tcp_flags',
      names.index(flagTexts[record.tcpFlags & 255] ?? ''),
    )
    set('direction_known', record.initiator > 0 ? 1 : 0)
    set('sampling', rate > 1 ? rate : 0)
    for (const [index, name] of counterNames.entries())
      set(name, (counters[index] as number) * rate)
    set('total_bytes', (counters[0] as number) * rate)
    set('total_reverse_bytes', (counters[2] as number) * rate)
    writeEnds(columns, row, record, isSwapped)
    writeTimes(columns, row, times)
    if (record.endReason === 3) {
      set('end_reason', names.index('closed'))
      putTime(columns['end'] as Column, row, times.endMs)
    }
    const isUp = id(columns, row, record.protocol)
    count(row, waysThatCount(row, { record, origin, isSwapped, isUp }))
    return times.isReplaced ? 'times_replaced' : 'added'
  }

  /** Which of a row's directions count; undefined of one that had no packet. */
  function waysThatCount(row: number, { record, origin, isSwapped, isUp }: Measured): Ways {
    const { columns } = batch
    const ids = (columns['connection_id'] as Column).values
    const connection = `${ids[row * 2]} ${ids[row * 2 + 1]} ${origin.node}`
    const [forth, back] = hasPackets(columns, row)
    const isBiflow = hasReverse(record)
    const ask = (isBack: boolean) => {
      const place = placeOf(record, origin.stream, isSwapped !== isBack)
      const { startMs, endMs } = times
      return sides.counts(`${connection} ${isUp !== isBack}`, { place, isBiflow, startMs, endMs })
    }
    return [forth || !back ? ask(false) : undefined, back ? ask(true) : undefined]
  }

  /** A row of which one direction counts and the other does not becomes two. */
  function count(row: number, [forth, back]: Ways): void {
    ;(batch.columns['counted'] as Column).values[row] = (forth ?? back) ? 1 : 0
    if (forth === undefined || back === undefined || forth === back) return
    if (batch.length === batch.capacity) batch = grown(batch)
    const other = batch.length++
    const { columns } = batch
    copyRow(columns, row, other)
    for (const name of forthNames) (columns[name] as Column).values[other] = 0
    for (const name of backNames) (columns[name] as Column).values[row] = 0
    ;(columns['counted'] as Column).values[other] = back ? 1 : 0
  }

  function take(): readonly NodeBatch[] {
    const rowsOf = new Map<string, number[]>()
    const nodes = (batch.columns['node'] as Column).values
    for (let row = 0; row < batch.length; row++) {
      const node = batch.names.text(nodes[row] as number)
      const rows = rowsOf.get(node) ?? []
      rowsOf.set(node, rows)
      rows.push(row)
    }
    const taken = [...rowsOf].map(([node, rows]) => ({ node, batch: pickRows(batch, rows) }))
    if (batch.names.size() > namesMax || batch.capacity > 64 * capacity) {
      batch = createBatch(flowTable, capacity)
    } else clearBatch(batch)
    return taken
  }

  return { add, length: () => batch.length, take }
}

/** Of src to dst, and of dst to src. */
type Ways = readonly [forth: boolean | undefined, back: boolean | undefined]

/** What a row was made of. */
interface Measured {
  readonly record: FlowRecord
  readonly origin: RowOrigin
  readonly isSwapped: boolean
  /** Whether src is the smaller of both ends. */
  readonly isUp: boolean
}

const forthNames = ['bytes', 'packets', 'total_bytes', 'tcp_flags'] as const
const backNames = [
  'reverse_bytes',
  'reverse_packets',
  'total_reverse_bytes',
  'reverse_tcp_flags',
] as const

function hasPackets(columns: Columns, row: number): readonly [boolean, boolean] {
  const has = (...names: readonly string[]) =>
    names.some((name) => ((columns[name] as Column).values[row] as number) > 0)
  return [has('bytes', 'packets'), has('reverse_bytes', 'reverse_packets')]
}

/** Whether the record has room for the answer, were there one or not. */
function hasReverse(record: FlowRecord): boolean {
  const { reverseBytes, reversePackets, reverseTotalBytes, reverseTotalPackets } = record
  return Math.max(reverseBytes, reversePackets, reverseTotalBytes, reverseTotalPackets) >= 0
}

/**
 * Where packets were seen: interface and side. What does not say its side was seen where it comes in. The answer of a
 * record with both directions passes the same interface the other way.
 */
function placeOf({ direction, input, output }: FlowRecord, { key }: Stream, isReverse: boolean) {
  const leaves = (direction === 1) !== isReverse
  const domain = key.slice(key.indexOf(' '))
  return `${direction === 1 ? output : input} ${leaves}${domain}`
}

const counterNames = ['bytes', 'packets', 'reverse_bytes', 'reverse_packets'] as const

/** In the order of `counterNames`, as counted by the exporter. */
function countersOf(record: FlowRecord, isSwapped: boolean): readonly number[] {
  const { totalBytes, totalPackets, reverseTotalBytes, reverseTotalPackets } = record
  const known = (delta: number, total: number) => Math.max(delta >= 0 ? delta : total, 0)
  const forward = [known(record.bytes, totalBytes), known(record.packets, totalPackets)]
  const back = [
    known(record.reverseBytes, reverseTotalBytes),
    known(record.reversePackets, reverseTotalPackets),
  ]
  return isSwapped ? [...back, ...forward] : [...forward, ...back]
}

/**
 * Whether the record's source answers rather than asks: the exporter says so, or its port is the smaller one. Both
 * directions of a connection get the same orientation, so that they are one edge.
 */
function isReversed({ initiator, protocol, srcPort, dstPort }: FlowRecord): boolean {
  if (initiator === 1) return false
  if (initiator === 2) return true
  return !icmp.has(protocol) && srcPort !== 0 && dstPort !== 0 && srcPort < dstPort
}

/** The record's own rate first, then that of its sampler, of its stream, of the configuration. */
function rateOf(record: FlowRecord, { stream, sampling }: RowOrigin): number {
  const own = samplingOf(record)
  if (own > 0) return own
  return stream.samplers.get(record.sampler) ?? stream.samplers.get(-1) ?? sampling
}

/** Where the packets were seen: coming in, unless the exporter says otherwise. */
function interfaceOf({ direction, input, output }: FlowRecord, { interfaces }: Stream): string {
  const index = direction === 1 ? output : input
  return index === 0 ? '' : (interfaces.get(index) ?? String(index))
}

/** Of packets src to dst: whether they leave by the interface. */
function directionOf({ direction }: FlowRecord, isSwapped: boolean): string {
  if (direction < 0) return ''
  return isSwapped === (direction === 1) ? 'received' : 'sent'
}

type Columns = Batch['columns']

/** A row of a batch that is used again has what the one before had. */
function clearRow(columns: Columns, row: number): void {
  for (const column of Object.values(columns)) {
    const width = widthOf(column)
    column.values.fill(0, row * width, (row + 1) * width)
    if (column.nulls) column.nulls[row] = 1
  }
}

function copyRow(columns: Columns, from: number, to: number): void {
  for (const column of Object.values(columns)) {
    const width = widthOf(column)
    column.values.copyWithin(to * width, from * width, (from + 1) * width)
    if (column.nulls) column.nulls[to] = column.nulls[from] as number
  }
}

/** Elements of a value. */
function widthOf({ field }: Column): number {
  if (field.kind === 'address') return 16
  return field.kind === 'time' || field.kind === 'id' ? 2 : 1
}

function writeEnds(columns: Columns, row: number, record: FlowRecord, isSwapped: boolean): void {
  const [src, dst] = isSwapped ? [record.dst, record.src] : [record.src, record.dst]
  ;(columns['src_address'] as Column).values.set(src, row * 16)
  ;(columns['dst_address'] as Column).values.set(dst, row * 16)
  // Exporters put type and code of ICMP where ports are.
  if (icmp.has(record.protocol)) return
  const [srcPort, dstPort] = isSwapped
    ? [record.dstPort, record.srcPort]
    : [record.srcPort, record.dstPort]
  ;(columns['src_port'] as Column).values[row] = srcPort
  ;(columns['dst_port'] as Column).values[row] = dstPort
}

function writeTimes(columns: Columns, row: number, { endMs, startMs }: FlowTimes): void {
  putTime(columns['time'] as Column, row, endMs)
  putTime(columns['last_packet'] as Column, row, endMs)
  if (startMs > 0) putTime(columns['first_packet'] as Column, row, startMs)
}

function putTime({ values, nulls }: Column, row: number, ms: number): void {
  writeMs(values as Uint32Array, row, ms)
  if (nulls) nulls[row] = 0
}

/**
 * Writes the connection's id of a row whose ends are written, and says whether its src is the smaller end: a keyed hash of both ends in their order, so it is the
 * same for both directions and at every exporter. Agents that count on interfaces make the same one of these words
 * (agent/interfaces/orientation.ts).
 */
function createConnectionId(key: Uint32Array) {
  // A · B · ports (A in the low half) · protocol and family · 0 · 0 · the padding of SipHash
  const words = new Uint32Array(14)
  words[13] = (12 * 4) << 24
  const ends = new Uint8Array(words.buffer)
  const out = new Uint32Array(2)
  return (columns: Columns, row: number, protocol: number): boolean => {
    const [src, dst] = [wordsOf(columns, 'src', row), wordsOf(columns, 'dst', row)]
    const ports = ['src_port', 'dst_port'].map((name) => columns[name]?.values[row] as number)
    const [srcPort = 0, dstPort = 0] = ports
    const isBack = isAfter(src, dst) ?? srcPort > dstPort
    words.set(isBack ? dst : src, 0)
    words.set(isBack ? src : dst, 4)
    words[8] = isBack ? (srcPort << 16) | dstPort : (dstPort << 16) | srcPort
    words[9] = (protocol & 255) | ((isMapped(ends) ? 4 : 6) << 8)
    sipHash24(key, words, out)
    const { values } = columns['connection_id'] as Column
    values[row * 2] = out[0] as number
    values[row * 2 + 1] = out[1] as number
    return !isBack
  }
}

function wordsOf(columns: Columns, end: 'src' | 'dst', row: number): Uint32Array {
  const { values } = columns[`${end}_address`] as Column
  return new Uint32Array(values.buffer, values.byteOffset + row * 16, 4)
}

/** Whether one address is behind the other; undefined when they are the same. */
function isAfter(one: Uint32Array, other: Uint32Array): boolean | undefined {
  for (let index = 0; index < 4; index++) {
    const [a, b] = [one[index] as number, other[index] as number]
    if (a !== b) return a > b
  }
  return undefined
}

function isMapped(octets: Uint8Array): boolean {
  for (let index = 0; index < 10; index++) if (octets[index] !== 0) return false
  return octets[10] === 255 && octets[11] === 255
}
