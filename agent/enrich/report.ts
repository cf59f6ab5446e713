// Decides which connections are due for a row, and what is new of them: totals minus what was told before.

import { octet, recordOctets, roles, word } from '../drain/record.ts'
import { flag, isSet, outdate, setFlag, total, totals as totalCount } from './connection-table.ts'
import { dropConnection } from './connections.ts'
import { type EndTable, isInitiator, roleOf, u32At, u64At } from './end-table.ts'
import type { Moment } from './moment.ts'
import { tcp } from './outcome.ts'
import { isOwn, type Own } from './own.ts'
import type { RowFacts, RowWriter } from './row-writer.ts'
import type { Connections } from './state.ts'

export interface ReportCounts {
  rows: number
  filtered: number
  /** Connections held back for a peer or for the end of a handshake. */
  waiting: number
  /** Counters that went back (ends seen at different instants) and were told as no increment. */
  clamped: number
}

export interface Reporting {
  readonly state: Connections
  readonly writer: RowWriter
  readonly own: Own
  readonly counts: ReportCounts
  readonly facts: RowFacts
}

const minuteMs = 60_000
/** Of these only the first may be set of a connection that is told and open. */
const told = flag.rowSent | flag.endSent
/** A peer whose close is that close behind is waited for. */
const peerDelayNs = 250_000_000
/** Sockets without a descriptor are seen once a minute: that long a late peer on this node is recognised. */
const latePeerMs = 130_000

export function createReporting(state: Connections, writer: RowWriter, own: Own): Reporting {
  const counts = { rows: 0, filtered: 0, waiting: 0, clamped: 0 }
  const increments = new Float64Array(totalCount)
  const facts = { increments, totals: new Float64Array(totalCount), ended: false, first: false }
  return { state, writer, own, counts, facts: { ...facts, state: 0 } }
}

/**
 * Writes the rows that are due, from connection `from` on and at most `rowsMax`; returns where to go on, or
 * −1 when all were looked at. What a row told is marked as told: the state then matches the rows exactly.
 */
export function report(on: Reporting, moment: Moment, from: number, rowsMax: number): number {
  on.writer.begin(moment)
  const { table } = on.state
  for (let connection = from; connection < table.high; connection++) {
    if (table.flags[connection] === 0) continue
    if (on.writer.batch().length >= rowsMax) return connection
    if (!isSilent(on.state, moment, connection)) visit(on, moment, connection)
  }
  return -1
}

/** Told before, open, and no record came since: most connections of a host, so nothing of their ends is read. */
function isSilent({ table, ends, snapshot }: Connections, moment: Moment, connection: number) {
  if (((table.flags[connection] as number) & told) !== flag.rowSent) return false
  if (moment.nowMs - (table.lastRow[connection] as number) >= minuteMs) return false
  return (
    isUntouched(ends, table.src[connection] as number, snapshot) &&
    isUntouched(ends, table.dst[connection] as number, snapshot)
  )
}

function isUntouched(ends: EndTable, slot: number, snapshot: number): boolean {
  return slot < 0 || (ends.closed[slot] === 0 && ends.seen[slot] !== snapshot)
}

function visit(on: Reporting, moment: Moment, connection: number): void {
  const { state, facts } = on
  const { table } = state
  facts.ended = hasEnded(state, connection)
  if (isSet(table, connection, flag.endSent)) {
    const bothSeen =
      (table.src[connection] as number) >= 0 && (table.dst[connection] as number) >= 0
    if (!bothSeen) {
      if (moment.nowMs >= (table.expires[connection] as number)) dropConnection(state, connection)
      return
    }
  }
  if (!moment.last && isHeld(on, moment, connection)) {
    on.counts.waiting++
    return
  }
  facts.first = !isSet(table, connection, flag.rowSent)
  if (facts.first) settleSides(state, connection)
  readTotals(state, connection, facts.totals)
  facts.state = openState(state, connection)
  const moved = subtract(on, connection)
  if (isDue(on, moment, connection, moved)) tell(on, moment, connection)
  if (facts.ended) finish(on, moment, connection)
}

function isDue(on: Reporting, moment: Moment, connection: number, moved: boolean): boolean {
  const { facts, state } = on
  if (moved || facts.first) return true
  if (facts.ended) return !isSet(state.table, connection, flag.endSent)
  if (facts.state !== state.table.state[connection]) return true
  return moment.nowMs - (state.table.lastRow[connection] as number) >= minuteMs
}

function tell(on: Reporting, moment: Moment, connection: number): void {
  const { facts, state, counts } = on
  const { table } = state
  if (isOwn(state, connection, on.own)) {
    counts.filtered++
    setFlag(table, connection, flag.own)
  } else {
    on.writer.write(connection, facts)
    counts.rows++
  }
  for (let index = 0; index < totalCount; index++) {
    const at = connection * totalCount + index
    const now = facts.totals[index] as number
    const told = table.reported[at] as number
    const wrapped = index >= total.packets && now >= 0 && told - now > 0x8000_0000
    if (now <= told && !wrapped) continue
    table.reported[at] = now
    outdate(table, connection)
  }
  table.state[connection] = facts.state
  table.lastRow[connection] = moment.nowMs
  setFlag(table, connection, flag.rowSent)
}

/** Both ends seen: nothing more can come. Else the connection is kept for a late peer. */
function finish({ state }: Reporting, moment: Moment, connection: number): void {
  const { table } = state
  const src = table.src[connection] as number
  const dst = table.dst[connection] as number
  if (src >= 0 && dst >= 0) {
    dropConnection(state, connection)
    return
  }
  const local =
    state.locality.hasPeerHere(src >= 0 ? src : dst) && isSet(table, connection, flag.indexed)
  setFlag(table, connection, flag.endSent)
  table.expires[connection] = moment.nowMs + (local ? latePeerMs : 2 * moment.intervalMs)
}

function hasEnded({ table, ends }: Connections, connection: number): boolean {
  const src = table.src[connection] as number
  const dst = table.dst[connection] as number
  return (src < 0 || ends.closed[src] !== 0) && (dst < 0 || ends.closed[dst] !== 0)
}

/**
 * Held back: once, a connection that just ended and whose peer on this node was not seen yet; and a handshake
 * in progress, for two intervals, because its id is known only when it is done.
 */
function isHeld(on: Reporting, moment: Moment, connection: number): boolean {
  const { state, facts } = on
  const { table, ends } = state
  const src = table.src[connection] as number
  const dst = table.dst[connection] as number
  if (src >= 0 && dst >= 0) return false
  const only = src >= 0 ? src : dst
  const inHandshake = ends.octets[only * recordOctets + octet.state] === tcp.synSent
  if (!facts.ended) {
    if (!inHandshake || isSet(table, connection, flag.rowSent)) return false
    return moment.bootNs - u64At(ends, only, word.start) < 2e6 * moment.intervalMs
  }
  if (inHandshake || isSet(table, connection, flag.held)) return false
  if (moment.bootNs - u64At(ends, only, word.time) > peerDelayNs) return false
  if (!state.locality.hasPeerHere(only)) return false
  setFlag(table, connection, flag.held)
  return true
}

/** Before the first row, an end whose role came to be known later goes to its side. */
function settleSides({ table, ends }: Connections, connection: number): void {
  const src = table.src[connection] as number
  const dst = table.dst[connection] as number
  if (src >= 0 && dst >= 0) return
  const only = src >= 0 ? src : dst
  const initiator = isInitiator(ends, only)
  table.src[connection] = initiator ? only : -1
  table.dst[connection] = initiator ? -1 : only
}

function openState({ table, ends }: Connections, connection: number): number {
  const src = table.src[connection] as number
  const open = src >= 0 && ends.closed[src] === 0 ? src : (table.dst[connection] as number)
  const slot = open >= 0 ? open : src
  return ends.octets[slot * recordOctets + octet.state] as number
}

/** Bytes and segments from the sender's socket, else from the receiver's; retransmits only from the sender's. */
function readTotals({ table, ends }: Connections, connection: number, to: Float64Array): void {
  const src = table.src[connection] as number
  const dst = table.dst[connection] as number
  to[total.bytes] = src >= 0 ? u64At(ends, src, word.sent) : u64At(ends, dst, word.received)
  to[total.reverseBytes] = dst >= 0 ? u64At(ends, dst, word.sent) : u64At(ends, src, word.received)
  to[total.packets] = src >= 0 ? segmentsOut(ends, src) : u32At(ends, dst, word.segsIn)
  to[total.reversePackets] = dst >= 0 ? segmentsOut(ends, dst) : u32At(ends, src, word.segsIn)
  to[total.retransmits] = src >= 0 ? u32At(ends, src, word.retransmits) : -1
  to[total.reverseRetransmits] = dst >= 0 ? u32At(ends, dst, word.retransmits) : -1
}

/** The SYN-ACK is sent before the responder's socket exists, so the kernel's own counter lacks it. */
function segmentsOut(ends: EndTable, slot: number): number {
  return u32At(ends, slot, word.segsOut) + (roleOf(ends, slot) === roles.responder ? 1 : 0)
}

/** Fills the increments; says whether any is above 0. */
function subtract({ state, facts, counts }: Reporting, connection: number): boolean {
  const { table } = state
  const before = table.start[connection * 2] === 0 && table.start[connection * 2 + 1] === 0
  let moved = false
  for (let index = 0; index < totalCount; index++) {
    const now = facts.totals[index] as number
    const at = connection * totalCount + index
    const told = table.reported[at] as number
    const baseline = told < 0 && before ? now : Math.max(told, 0)
    let more = now < 0 ? -1 : now - baseline
    if (index >= total.packets && more < -0x8000_0000) more += 0x1_0000_0000 // u32 there
    if (now >= 0 && more < 0) {
      more = 0
      counts.clamped++
    }
    facts.increments[index] = more
    if (more > 0) moved = true
  }
  return moved
}
