// Which connection a span went over. Spans and rows come in any order, so each waits for the other for a minute:
//
//   span first  ──► its trace is written on the rows of its connection that come, as long as they overlap
//   row first   ──► the span's own row names the connection
//
// A called process knows address and port of its caller: that is one connection. A caller knows where it called; with
// its own port, or with its process, the connection is found if it is the only one, and if all that the process had at
// that time is reported. What could be two is none.

import { formatAddress, parseAddress } from '../../../wire/mod.ts'
import type { SpanEnds } from './span-ends.ts'

export interface TracedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly startMs: number
  readonly endMs: number
}

/** One row of view socket, as it is about to be written. */
export interface SeenRow {
  /** 16 octets each. */
  readonly src: Uint8Array
  readonly dst: Uint8Array
  readonly srcPort: number
  readonly dstPort: number
  readonly srcPid: number
  /** As two halves. */
  readonly id: readonly [low: number, high: number]
  /** When it was opened; 0 = not known. */
  readonly startMs: number
  /** End of the interval, or when the connection ended within it. */
  readonly timeMs: number
  /** End of the interval. */
  readonly reportedMs: number
}

export type Match =
  | { readonly state: 'found'; readonly id: readonly [low: number, high: number] }
  | { readonly state: 'none' | 'ambiguous' }

export interface Traces {
  /** A span came: which connection of those known it went over. Rows that come later are given its trace. */
  span(span: TracedSpan, ends: SpanEnds): Match
  /** Rows that are about to be written: the trace of each; undefined where none is known. */
  rows(rows: readonly SeenRow[]): readonly (TracedSpan | undefined)[]
  /** Forgets what is older than the window. */
  sweep(): void
  size(): { readonly spans: number; readonly connections: number }
}

interface Connection {
  readonly id: readonly [low: number, high: number]
  readonly keys: readonly string[]
  readonly openedMs: number
  lastMs: number
  /** All until then is in its rows. */
  reportedMs: number
}

/** What one row covers of its connection. */
interface Interval {
  readonly connection: Connection
  readonly openedMs: number
  readonly lastMs: number
}

interface Waiting extends TracedSpan {
  readonly keys: readonly string[]
  readonly cameMs: number
}

const windowMs = 60_000
const spansMax = 50_000
const connectionsMax = 100_000
/** More of one key are not looked at: then nobody says that there is one alone. */
const candidatesMax = 1_000
/** An open connection has a row a minute: it may be as much older than its first row here. */
const rowEveryMs = 60_000
/** Clocks of applications are a few milliseconds off, and they hear of a connection later than the kernel. */
const slackMs = 50

export function createTraces(nowMs: () => number = Date.now): Traces {
  const connections = new Map<string, Connection>()
  const connectionsOf = createIndex<Connection>()
  const spans = new Map<string, Waiting>()
  const spansOf = createIndex<Waiting>()

  function span(traced: TracedSpan, ends: SpanEnds): Match {
    const keys = keysOfSpan(ends)
    if (keys.length === 0) return { state: 'none' }
    remember({ ...traced, keys, cameMs: nowMs() })
    // The first key that knows a connection is the most exact one.
    for (const key of keys) {
      const found = overlapping(key, connectionsOf.get(key), traced)
      if (found === 'many') return { state: 'ambiguous' }
      if (found) return { state: 'found', id: found.id }
    }
    return { state: 'none' }
  }

  function remember(waiting: Waiting): void {
    const key = `${waiting.traceId} ${waiting.spanId}`
    const before = spans.get(key)
    if (before) for (const one of before.keys) spansOf.delete(one, before)
    if (spans.size >= spansMax) forgetSpan(spans.keys().next().value as string)
    spans.set(key, waiting)
    for (const one of waiting.keys) spansOf.add(one, waiting)
  }

  function forgetSpan(key: string): void {
    const old = spans.get(key)
    spans.delete(key)
    for (const one of old?.keys ?? []) spansOf.delete(one, old as Waiting)
  }

  /** All are met before one is given a trace: which connection is the only one, the next row may change. */
  function rows(all: readonly SeenRow[]): readonly (TracedSpan | undefined)[] {
    return all.map(see).map(traceOf)
  }

  function see(seen: SeenRow): Interval {
    const key = `${seen.id[0]} ${seen.id[1]}`
    const known = connections.get(key)
    const fromMs = Math.max(known?.lastMs ?? seen.timeMs - rowEveryMs, seen.startMs)
    const connection = known ?? meet(key, seen)
    connection.lastMs = Math.max(connection.lastMs, seen.timeMs)
    connection.reportedMs = Math.max(connection.reportedMs, seen.reportedMs)
    return { connection, openedMs: fromMs, lastMs: seen.timeMs }
  }

  /** Of spans that name the connection's ports the newest, else of those that name its process. */
  function traceOf(interval: Interval): TracedSpan | undefined {
    const { connection } = interval
    for (const key of connection.keys) {
      let newest: Waiting | undefined
      let looked = 0
      for (const waiting of spansOf.get(key)) {
        if (looked++ >= candidatesMax) break
        if (newest && waiting.startMs <= newest.startMs) continue
        if (overlaps(interval, waiting) && isOnly(waiting, key, connection)) newest = waiting
      }
      if (newest) return newest
    }
    return undefined
  }

  /** Whether the connection is the one that the span's own most exact key leads to. */
  function isOnly(waiting: Waiting, key: string, connection: Connection): boolean {
    const exact = waiting.keys.find((one) => one === key || connectionsOf.has(one))
    return exact === key && overlapping(key, connectionsOf.get(key), waiting) === connection
  }

  function meet(key: string, seen: SeenRow): Connection {
    if (connections.size >= connectionsMax) forget(connections.keys().next().value as string)
    const openedMs = seen.startMs > 0 ? seen.startMs : seen.timeMs - rowEveryMs
    const { id, timeMs, reportedMs } = seen
    const fresh = { id, keys: keysOfRow(seen), openedMs, lastMs: timeMs, reportedMs }
    connections.set(key, fresh)
    for (const one of fresh.keys) connectionsOf.add(one, fresh)
    return fresh
  }

  function forget(key: string): void {
    const old = connections.get(key)
    connections.delete(key)
    for (const one of old?.keys ?? []) connectionsOf.delete(one, old as Connection)
  }

  function sweep(): void {
    const oldest = nowMs() - windowMs
    for (const [key, { cameMs }] of spans) if (cameMs < oldest) forgetSpan(key)
    for (const [key, { lastMs }] of connections) {
      if (lastMs < oldest - rowEveryMs) forget(key)
    }
  }

  const size = () => ({ spans: spans.size, connections: connections.size })
  return { span, rows, sweep, size }
}

/** The one connection that was there at the time of the span; `many` also when that is not sure. */
function overlapping(
  key: string,
  connections: Iterable<Connection>,
  span: TracedSpan,
): Connection | 'many' | undefined {
  const isOfProcess = key.startsWith('process ')
  let found: Connection | undefined
  let looked = 0
  for (const one of connections) {
    if (looked++ >= candidatesMax) return 'many'
    if (!overlaps(one, span)) continue
    if (found) return 'many'
    found = one
  }
  return isOfProcess && found && found.reportedMs < span.endMs ? 'many' : found
}

function overlaps(
  connection: { readonly openedMs: number; readonly lastMs: number },
  span: TracedSpan,
): boolean {
  return connection.openedMs <= span.endMs + slackMs && connection.lastMs >= span.startMs - slackMs
}

interface Index<T> {
  get(key: string): Iterable<T>
  has(key: string): boolean
  add(key: string, value: T): void
  delete(key: string, value: T): void
}

function createIndex<T>(): Index<T> {
  const sets = new Map<string, Set<T>>()
  return {
    get: (key) => sets.get(key) ?? [],
    has: (key) => sets.has(key),
    add: (key, value) => {
      const set = sets.get(key)
      if (set) set.add(value)
      else sets.set(key, new Set([value]))
    },
    delete: (key, value) => {
      const set = sets.get(key)
      set?.delete(value)
      if (set?.size === 0) sets.delete(key)
    },
  }
}

/** `caller`: its own end; `port`, `process`: where it called, and from which port or process. */
function keysOfRow({ src, dst, srcPort, dstPort, srcPid }: SeenRow): readonly string[] {
  const [from, to] = [formatAddress(src, 0), formatAddress(dst, 0)]
  const keys = [`caller ${from} ${srcPort}`, `port ${to} ${dstPort} ${srcPort}`]
  if (srcPid > 0) keys.push(`process ${to} ${dstPort} ${srcPid}`)
  return keys
}

function keysOfSpan({ src, dst, side }: SpanEnds): readonly string[] {
  if (side === 'dst') {
    return src.address === '' || src.port === 0 ? [] : [`caller ${plain(src.address)} ${src.port}`]
  }
  if (dst.address === '' || dst.port === 0) return []
  const place = `${plain(dst.address)} ${dst.port}`
  const keys: string[] = []
  if (src.port > 0) keys.push(`port ${place} ${src.port}`)
  if (src.pid > 0) keys.push(`process ${place} ${src.pid}`)
  return keys
}

/** One spelling for each address. */
function plain(address: string): string {
  return formatAddress(parseAddress(address) as Uint8Array, 0)
}
