// Goes through the connections at the end of an interval: asks the rule (life.ts) what is due, writes the rows,
// and does with each connection what the rule says. What a row reported is marked at once, so the state always
// matches the rows.

import { octet, recordOctets, word } from '../drain/record.ts'
import type { Own } from '../identity/own.ts'
import type { Moment } from '../rows/moment.ts'
import {
  clearFlag,
  flag,
  isSet,
  outdate,
  setFlag,
  totals as totalCount,
} from './connection-table.ts'
import { dropConnection } from './connections.ts'
import { isInitiator, u64At } from './end-table.ts'
import type { RowFacts, RowWriter } from './flow-rows.ts'
import { createLatePeers, type LatePeers } from './late-peers.ts'
import { decisionOf, fact, fate, fateOfDecision, rowKind, rowOfDecision } from './life.ts'
import { tcp } from './outcome.ts'
import { isOwn } from './own-connections.ts'
import type { Connections } from './state.ts'
import { type Difference, markReported, readTotals, subtract } from './totals.ts'

export interface ReportCounts {
  /** Connections of which a row was due: reported, filtered, or deferred for the first time. */
  due: number
  filtered: number
  /** Connections that were deferred and then had nothing to report. */
  withdrawn: number
  /** Connections deferred now: for their other end, or for the end of a handshake. */
  waiting: number
  /** Remembered connections that were forgotten before their time, by whether their other end must be here. */
  evictedHere: number
  evictedUnknown: number
}

export interface Reporting {
  readonly state: Connections
  readonly writer: RowWriter
  readonly own: Own
  readonly counts: ReportCounts
  readonly facts: RowFacts
  readonly difference: Difference
  readonly latePeers: LatePeers
}

const minuteMs = 60_000

export function createReporting(
  state: Connections,
  writer: RowWriter,
  { own, lateMax = 32_768 }: { readonly own: Own; readonly lateMax?: number },
): Reporting {
  const counts = {
    due: 0,
    filtered: 0,
    withdrawn: 0,
    waiting: 0,
    evictedHere: 0,
    evictedUnknown: 0,
  }
  const increments = new Float64Array(totalCount)
  const difference = { increments, moved: false, clamped: 0 }
  const totals = new Float64Array(totalCount)
  const facts = { increments, totals, ended: false, first: false, closed: false, state: 0 }
  const latePeers = createLatePeers({
    table: state.table,
    forget: (connection) => dropConnection(state, connection),
    onEvicted: (isPeerHere) => {
      if (isPeerHere) counts.evictedHere++
      else counts.evictedUnknown++
    },
    connectionsMax: lateMax,
  })
  return { state, writer, own, counts, facts, difference, latePeers }
}

/**
 * Writes the rows that are due, from connection `from` on and at most `rowsMax`; returns where to go on, or
 * −1 when all were looked at.
 */
export function report(
  reporting: Reporting,
  moment: Moment,
  from: number,
  rowsMax: number,
): number {
  const { writer, state, latePeers } = reporting
  const { table } = state
  writer.begin(moment)
  if (from === 0) latePeers.expire(moment.nowMs)
  for (let connection = from; connection < table.high; connection++) {
    if (table.flags[connection] === 0) continue
    if (writer.batch().length >= rowsMax) return connection
    if (!isSilent(state, moment, connection)) visit(reporting, moment, connection)
  }
  return -1
}

/** Most connections of a host: no record came since the last row, so nothing of their ends is read. */
function isSilent({ table, ends, snapshot }: Connections, moment: Moment, connection: number) {
  const flags = table.flags[connection] as number
  if ((flags & flag.resting) !== 0) return true
  if ((flags & (flag.rowSent | flag.endSent)) !== flag.rowSent) return false
  if (moment.nowMs - (table.lastRow[connection] as number) >= minuteMs) return false
  return (
    isUntouched(ends, table.src[connection] as number, snapshot) &&
    isUntouched(ends, table.dst[connection] as number, snapshot)
  )
}

function isUntouched(ends: Connections['ends'], slot: number, snapshot: number): boolean {
  return slot < 0 || (ends.closed[slot] === 0 && ends.seen[slot] !== snapshot)
}

function visit(reporting: Reporting, moment: Moment, connection: number): void {
  const { state, facts } = reporting
  const situation = situationOf(state, moment, connection)
  const decision = decisionOf(situation)
  const kind = rowOfDecision(decision)
  const next = fateOfDecision(decision)
  if (kind !== rowKind.none) {
    facts.ended = kind === rowKind.end
    facts.closed = kind === rowKind.end || kind === rowKind.news
    writeIfDue(reporting, moment, connection)
  }
  if (next === fate.defer) defer(reporting, connection, situation)
  else if (next === fate.forget) dropConnection(state, connection)
  else if (next === fate.remember) rest(reporting, moment, { connection, situation })
}

/** The facts that the rule asks for. */
function situationOf(state: Connections, moment: Moment, connection: number): number {
  const { table, ends, locality } = state
  const flags = table.flags[connection] as number
  const src = table.src[connection] as number
  const dst = table.dst[connection] as number
  const srcClosed = src < 0 ? 3 : (ends.closed[src] as number)
  const dstClosed = dst < 0 ? 3 : (ends.closed[dst] as number)
  const ended = srcClosed !== 0 && dstClosed !== 0
  let situation = moment.last ? fact.lastReport : 0
  if ((flags & flag.rowSent) !== 0) situation |= fact.reported
  if ((flags & flag.endSent) !== 0) situation |= fact.endReported
  if ((flags & flag.indexed) !== 0) situation |= fact.paired
  if (ended) situation |= fact.ended
  if (srcClosed === 2 || dstClosed === 2) situation |= fact.vanished
  if ((flags & (ended ? flag.deferredEnd : flag.deferredOpen)) !== 0) situation |= fact.deferred
  if (src >= 0 && dst >= 0) return situation | fact.bothEnds
  const only = src >= 0 ? src : dst
  if (only < 0) return situation
  if (!ended && ends.octets[only * recordOctets + octet.state] === tcp.synSent) {
    const isYoung = moment.bootNs - u64At(ends, only, word.start) < 2e6 * moment.intervalMs
    return isYoung ? situation | fact.dialling : situation
  }
  return locality.hasPeerHere(only) ? situation | fact.peerHere : situation
}

function writeIfDue(reporting: Reporting, moment: Moment, connection: number): void {
  const { state, facts, difference } = reporting
  facts.first = !isSet(state.table, connection, flag.rowSent)
  if (facts.first) settleSides(state, connection)
  readTotals(state, connection, facts.totals)
  facts.state = openState(state, connection)
  subtract(state, connection, facts.totals, difference)
  if (isDue(reporting, moment, connection)) writeRow(reporting, moment, connection)
  else if (isSet(state.table, connection, flag.waiting)) withdraw(reporting, connection)
}

/** Its end was due and deferred, and then the socket came again: nothing is due any more. */
function withdraw({ state, counts }: Reporting, connection: number): void {
  clearFlag(state.table, connection, flag.waiting)
  counts.withdrawn++
}

function isDue({ state, facts, difference }: Reporting, moment: Moment, connection: number) {
  const { table } = state
  if (difference.moved || facts.first || facts.ended) return true
  if (isNewlyPaired(state, connection)) return true
  if (facts.closed) return false
  if (facts.state !== table.state[connection]) return true
  return moment.nowMs - (table.lastRow[connection] as number) >= minuteMs
}

/** No row has named both ends, and now both are known. */
function isNewlyPaired({ table }: Connections, connection: number): boolean {
  return (
    !isSet(table, connection, flag.bothNamed) &&
    (table.src[connection] as number) >= 0 &&
    (table.dst[connection] as number) >= 0
  )
}

function writeRow(reporting: Reporting, moment: Moment, connection: number): void {
  const { facts, state, counts } = reporting
  const { table } = state
  if (!isSet(table, connection, flag.waiting)) counts.due++
  clearFlag(table, connection, flag.waiting)
  if (isOwn(state, connection, reporting.own)) {
    counts.filtered++
    setFlag(table, connection, flag.own)
  } else {
    reporting.writer.write(connection, facts)
  }
  markReported(state, connection, facts.totals)
  table.state[connection] = facts.state
  table.lastRow[connection] = moment.nowMs
  setFlag(table, connection, flag.rowSent)
  if (isNewlyPaired(state, connection)) setFlag(table, connection, flag.bothNamed)
}

function defer({ state, counts }: Reporting, connection: number, situation: number): void {
  const { table } = state
  counts.waiting++
  if (!isSet(table, connection, flag.waiting)) counts.due++
  setFlag(table, connection, flag.waiting)
  if ((situation & fact.dialling) !== 0) return
  const isEnded = (situation & fact.ended) !== 0
  setFlag(table, connection, isEnded ? flag.deferredEnd : flag.deferredOpen)
}

/** Its end is reported. With nothing open, it rests until another end comes or its time is over. */
function rest(
  { state, latePeers }: Reporting,
  moment: Moment,
  { connection, situation }: { readonly connection: number; readonly situation: number },
): void {
  const { table } = state
  if (!isSet(table, connection, flag.endSent)) {
    setFlag(table, connection, flag.endSent)
    if ((situation & (fact.peerHere | fact.bothEnds)) !== 0) {
      setFlag(table, connection, flag.peerHere)
    }
    outdate(table, connection)
  }
  if ((situation & fact.ended) === 0) return
  setFlag(table, connection, flag.resting)
  latePeers.remember(connection, moment.nowMs)
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
