// Conversations of interfaces, and where their packets passed. A record is one direction of one 5-tuple on one
// interface; a conversation is both directions, its ends in the order of their addresses:
//
//   record   10.0.0.2:53 → 10.0.0.1:4000, eth0, ingress
//   A, B     A = 10.0.0.1:4000, B = 10.0.0.2:53; the record goes B → A
//   point    eth0, A → B leaves (so B → A comes in): a packet is at one point, unless it passes an interface twice (lo)
//
// What has no addresses (no IP, or a full map) is a conversation of its interface and direction alone.

import { randomBytes } from 'node:crypto'
import { createSlotIndex } from '../../common/mod.ts'
import {
  flowRecordByte as byte,
  flowDirection,
  flowFlag,
  flowRecordBytes,
  flowRecordWord as word,
} from '../../kernel/mod.ts'
import { sipHash24 } from '../../wire/mod.ts'
import { column, type SlotTable, slotsOf } from '../tcp/slot-table.ts'

/** The two directions of a conversation, as offsets of pairs. */
export const way = { ab: 0, ba: 1 } as const

/** Words of a tuple: addresses of A and of B, ports (A in the low half), then protocol, family and fault. */
export const tupleWords = 10
export const tuple = { a: 0, b: 4, ports: 8, kind: 9 } as const

const conversationColumns = {
  tuple: column(Uint32Array, { width: tupleWords, kept: true }),
  /** The head of the list of its points. */
  point: column(Int32Array, { empty: -1 }),
  /** Where packets of each way are counted if any place will do (counting.ts); −1 = not chosen yet. */
  counting: column(Int32Array, { width: 2, empty: -1 }),
  /** connection_id as u32 halves. */
  id: column(Uint32Array, { width: 2 }),
  /** Slot of the stage enrich's connection that it belongs to, if that has this id. */
  connection: column(Int32Array, { empty: -1 }),
  flags: column(Uint8Array),
  /** How often its socket was looked for. */
  tries: column(Uint8Array),
  /** Number of the last interval with packets, and its end. */
  seen: column(Uint32Array),
  lastMs: column(Float64Array),
}

export const mark = {
  /** Its ends are in their order: src is A, unless `reversed`. */
  oriented: 1,
  reversed: 2,
  directionKnown: 4,
  /** It has an id. */
  named: 8,
  /** Its packets in this interval began with a SYN. */
  opening: 16,
} as const

const pointColumns = {
  conversation: column(Int32Array, { empty: -1 }),
  next: column(Int32Array, { empty: -1 }),
  interface: column(Uint32Array),
  /** flowDirection of packets A → B. */
  side: column(Uint8Array),
  seen: column(Uint32Array),
  /** Of this interval, and in all. */
  bytes: column(Float64Array, { width: 2 }),
  packets: column(Float64Array, { width: 2 }),
  totals: column(Float64Array, { width: 2 }),
  tcpFlags: column(Uint32Array, { width: 2 }),
  /** First and last packet of this interval, boot nanoseconds as u32 halves; which way the first one went. */
  first: column(Uint32Array, { width: 2 }),
  last: column(Uint32Array, { width: 2 }),
  firstWay: column(Uint8Array),
  /** Number of the last interval with packets of each way. */
  wayIn: column(Uint32Array, { width: 2 }),
  /** What goes out here in this interval has come in by an interface. */
  forwarded: column(Uint8Array),
}

export type ConversationTable = SlotTable<typeof conversationColumns>
export type PointTable = SlotTable<typeof pointColumns>

const conversationSlots = slotsOf(conversationColumns)
const pointSlots = slotsOf(pointColumns)

export interface Conversations {
  readonly table: ConversationTable
  readonly points: PointTable
  /** Slots with packets in this interval. */
  readonly touched: readonly number[]
  /** Whole records of this interval; returns how many points they touched for the first time in it. */
  take(words: Uint32Array, count: number): number
  /** Of a conversation: its points with packets in this interval. */
  touchedPoints(conversation: number): readonly number[]
  /** Of a conversation: its points with packets of one way in this interval or the last one. */
  recentPoints(conversation: number, goes: number): readonly number[]
  /** Begins the next interval; conversations without packets since `oldestMs` are forgotten. */
  endInterval(nowMs: number, oldestMs: number): void
  size(): number
}

const recordWords = flowRecordBytes / 4

export function createConversations(): Conversations {
  const table = conversationSlots.create()
  const points = pointSlots.create()
  const index = createSlotIndex()
  const hash = createHash()
  const key = new Uint32Array(tupleWords)
  const touched: number[] = []
  // A point that was never passed has 0, which is not the interval before the first.
  let interval = 2
  let size = 0

  function take(words: Uint32Array, count: number): number {
    let fresh = 0
    for (let record = 0; record < count; record++) {
      const at = record * recordWords
      const goes = readTuple(words, at, key)
      const conversation = findConversation()
      if (touch(conversation, words[at + word.flags] as number)) touched.push(conversation)
      const point = findPoint(conversation, words, at, goes)
      if (points.seen[point] !== interval) {
        fresh++
        beginPoint(points, point, interval)
      }
      points.wayIn[point * 2 + goes] = interval
      addRecord(points, point, { words, at, goes })
    }
    return fresh
  }

  function findConversation(): number {
    const [low, high] = hash(key)
    let place = high
    for (;;) {
      const slot = index.find(low, place)
      if (slot >= 0 && isSame(table.tuple, slot, key)) return slot
      if (slot < 0) break
      place = (place + 1) >>> 0
    }
    const slot = conversationSlots.take(table)
    table.tuple.set(key, slot * tupleWords)
    index.set(low, place, slot)
    size++
    return slot
  }

  /** Whether these are its first packets in this interval. A SYN begins another connection of the same ends. */
  function touch(conversation: number, flags: number): boolean {
    if ((flags & flowFlag.SYN) !== 0) begin(conversation)
    if (table.seen[conversation] === interval) return false
    table.seen[conversation] = interval
    return true
  }

  function begin(conversation: number): void {
    if (((table.flags[conversation] as number) & mark.opening) !== 0) return
    table.flags[conversation] = mark.opening
    table.tries[conversation] = 0
    table.connection[conversation] = -1
    let point = table.point[conversation] as number
    for (; point >= 0; point = points.next[point] as number) {
      for (const at of [point * 2, point * 2 + 1]) {
        points.totals[at] = points.seen[point] === interval ? (points.bytes[at] as number) : 0
      }
    }
  }

  function findPoint(conversation: number, words: Uint32Array, at: number, goes: number): number {
    const from = words[at + word.interface] as number
    const direction = ((words[at + byte.protocol / 4] as number) >> 16) & 0xff
    const side = goes === way.ab ? direction : opposite(direction)
    let point = table.point[conversation] as number
    for (; point >= 0; point = points.next[point] as number) {
      if (points.interface[point] === from && points.side[point] === side) return point
    }
    point = pointSlots.take(points)
    points.conversation[point] = conversation
    points.interface[point] = from
    points.side[point] = side
    points.next[point] = table.point[conversation] as number
    table.point[conversation] = point
    return point
  }

  function touchedPoints(conversation: number): readonly number[] {
    const found: number[] = []
    let point = table.point[conversation] as number
    for (; point >= 0; point = points.next[point] as number) {
      if (points.seen[point] === interval) found.push(point)
    }
    return found
  }

  function recentPoints(conversation: number, goes: number): readonly number[] {
    const found: number[] = []
    let point = table.point[conversation] as number
    for (; point >= 0; point = points.next[point] as number) {
      if ((points.wayIn[point * 2 + goes] as number) >= interval - 1) found.push(point)
    }
    return found
  }

  function endInterval(nowMs: number, oldestMs: number): void {
    for (const conversation of touched) {
      table.lastMs[conversation] = nowMs
      table.flags[conversation] = (table.flags[conversation] as number) & ~mark.opening
    }
    touched.length = 0
    interval++
    for (let slot = 0; slot < table.high; slot++) {
      if (table.seen[slot] !== 0 && (table.lastMs[slot] as number) < oldestMs) forget(slot)
    }
  }

  function forget(conversation: number): void {
    let point = table.point[conversation] as number
    while (point >= 0) {
      const next = points.next[point] as number
      pointSlots.free(points, point)
      point = next
    }
    key.set(table.tuple.subarray(conversation * tupleWords, (conversation + 1) * tupleWords))
    const [low, high] = hash(key)
    let place = high
    while (index.find(low, place) !== conversation) place = (place + 1) >>> 0
    index.delete(low, place)
    table.seen[conversation] = 0
    conversationSlots.free(table, conversation)
    size--
  }

  return {
    table,
    points,
    touched,
    take,
    touchedPoints,
    recentPoints,
    endInterval,
    size: () => size,
  }
}

/** Under a key of this process: who sends packets must not be able to choose tuples that share a place. */
function createHash(): (key: Uint32Array) => readonly [low: number, high: number] {
  const secret = new Uint32Array(Uint8Array.from(randomBytes(16)).buffer)
  const words = new Uint32Array(tupleWords + 2)
  words[tupleWords + 1] = (tupleWords * 4) << 24
  const out = new Uint32Array(2)
  return (key) => {
    words.set(key)
    sipHash24(secret, words, out)
    return [out[0] as number, out[1] as number]
  }
}

/** The record's tuple with its ends in order; returns which way the record goes. */
function readTuple(words: Uint32Array, at: number, key: Uint32Array): number {
  const ports = words[at + byte.src_port / 4] as number
  const kinds = words[at + byte.protocol / 4] as number
  const isBare = ((kinds >> 8) & 0xff) === 0 || isRemainder(words[at + word.flags] as number)
  const isBack = !isBare && isAfter(words, at, ports)
  for (let index = 0; index < 4; index++) {
    key[(isBack ? tuple.b : tuple.a) + index] = words[at + word.src + index] as number
    key[(isBack ? tuple.a : tuple.b) + index] = words[at + word.dst + index] as number
  }
  key[tuple.ports] = isBack ? (ports << 16) | (ports >>> 16) : ports
  // Protocol and family, then the fault; its direction belongs to what has no addresses alone.
  key[tuple.kind] = kinds & (isBare ? 0xffff_ffff : 0xff00_ffff)
  if (isBare) key[tuple.a] = words[at + word.interface] as number
  return isBack ? way.ba : way.ab
}

function isRemainder(flags: number): boolean {
  return (flags & flowFlag.REMAINDER) !== 0
}

/** Whether the record's source is behind its destination, by address and then by port. */
function isAfter(words: Uint32Array, at: number, ports: number): boolean {
  for (let index = 0; index < 4; index++) {
    const source = words[at + word.src + index] as number
    const destination = words[at + word.dst + index] as number
    if (source !== destination) return source > destination
  }
  return (ports & 0xffff) > ports >>> 16
}

function isSame(tuples: Uint32Array, slot: number, key: Uint32Array): boolean {
  const from = slot * tupleWords
  for (let index = 0; index < tupleWords; index++) {
    if (tuples[from + index] !== key[index]) return false
  }
  return true
}

function opposite(direction: number): number {
  if (direction === flowDirection.INGRESS) return flowDirection.EGRESS
  return direction === flowDirection.EGRESS ? flowDirection.INGRESS : direction
}

function beginPoint(points: PointTable, point: number, interval: number): void {
  const at = point * 2
  points.seen[point] = interval
  points.bytes.fill(0, at, at + 2)
  points.packets.fill(0, at, at + 2)
  points.tcpFlags.fill(0, at, at + 2)
  points.first.fill(0xffff_ffff, at, at + 2)
  points.last.fill(0, at, at + 2)
  points.forwarded[point] = 0
}

interface Going {
  readonly words: Uint32Array
  readonly at: number
  readonly goes: number
}

function addRecord(points: PointTable, point: number, { words, at, goes }: Going): void {
  const to = point * 2 + goes
  const bytes = wide(words, at + word.bytes)
  points.bytes[to] = (points.bytes[to] as number) + bytes
  points.totals[to] = (points.totals[to] as number) + bytes
  points.packets[to] = (points.packets[to] as number) + wide(words, at + word.packets)
  const flags = words[at + word.flags] as number
  points.tcpFlags[to] = (points.tcpFlags[to] as number) | flags
  if ((flags & flowFlag.FORWARDED) !== 0) points.forwarded[point] = 1
  if (isEarlier(words, at + word.first_ns, points.first, point * 2)) {
    copyTime(words, at + word.first_ns, points.first, point * 2)
    points.firstWay[point] = goes
  }
  if (isEarlier(points.last, point * 2, words, at + word.last_ns)) {
    copyTime(words, at + word.last_ns, points.last, point * 2)
  }
}

function wide(words: Uint32Array, at: number): number {
  return (words[at] as number) + (words[at + 1] as number) * 0x1_0000_0000
}

/** Of times as u32 halves. */
export function isEarlier(
  one: Uint32Array,
  at: number,
  ...[other, place]: [Uint32Array, number]
): boolean {
  const [high, otherHigh] = [one[at + 1] as number, other[place + 1] as number]
  return high < otherHigh || (high === otherHigh && (one[at] as number) < (other[place] as number))
}

function copyTime(from: Uint32Array, at: number, ...[to, place]: [Uint32Array, number]): void {
  to[place] = from[at] as number
  to[place + 1] = from[at + 1] as number
}
