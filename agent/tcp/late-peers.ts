// Connections whose end was reported and of which one end was seen: they are remembered, so that the other end,
// when it comes late, joins them instead of beginning a second connection with the same octets. Two queues, each
// in the order of expiry and with a bound; the oldest go first and are counted.

import { type ConnectionTable, flag, isSet } from './connection-table.ts'

export interface LatePeers {
  /** Remembers the connection from now on; may forget the oldest of its queue. */
  remember(connection: number, nowMs: number): void
  /** Forgets what has been remembered for long enough. */
  expire(nowMs: number): void
}

export interface LatePeersOptions {
  readonly table: ConnectionTable
  readonly forget: (connection: number) => void
  /** A connection was forgotten before its time. */
  readonly onEvicted: (isPeerHere: boolean) => void
  /** Of each queue. */
  readonly connectionsMax: number
}

/**
 * TCP repeats a FIN that nobody acknowledges for up to 100 s when the socket has no descriptor any more
 * (tcp_orphan_retries), and up to 16 minutes when it has (tcp_retries2).
 */
export const rememberedMs = 1_200_000

export function createLatePeers(options: LatePeersOptions): LatePeers {
  const { table } = options
  const here = createQueue(table, options.connectionsMax)
  const unknown = createQueue(table, options.connectionsMax)

  function remember(connection: number, nowMs: number): void {
    const isHere = isSet(table, connection, flag.peerHere)
    const queue = isHere ? here : unknown
    while (queue.isFull()) {
      const oldest = queue.shift()
      if (oldest < 0) continue
      options.onEvicted(isHere)
      options.forget(oldest)
    }
    queue.push(connection, nowMs + rememberedMs)
  }

  function expire(nowMs: number): void {
    for (const queue of [here, unknown]) {
      while (queue.firstExpires() <= nowMs) {
        const connection = queue.shift()
        if (connection >= 0) options.forget(connection)
      }
    }
  }

  return { remember, expire }
}

/** A ring of slots. One whose slot was given to another connection, or queued again, is stale and yields −1. */
function createQueue(table: ConnectionTable, max: number) {
  let capacity = Math.min(max, 256)
  let slots = new Int32Array(capacity)
  let turns = new Uint32Array(capacity)
  let expires = new Float64Array(capacity)
  let first = 0
  let length = 0

  function push(connection: number, at: number): void {
    if (length === capacity) grow()
    const place = (first + length++) % capacity
    table.turns++
    table.turn[connection] = table.turns
    slots[place] = connection
    turns[place] = table.turn[connection] as number
    expires[place] = at
  }

  function shift(): number {
    const connection = slots[first] as number
    const isStale = table.turn[connection] !== turns[first]
    first = (first + 1) % capacity
    length--
    return isStale ? -1 : connection
  }

  function grow(): void {
    const order = (index: number) => (first + index) % capacity
    const old = { slots, turns, expires }
    const next = Math.min(capacity * 2, max)
    slots = new Int32Array(next)
    turns = new Uint32Array(next)
    expires = new Float64Array(next)
    for (let index = 0; index < length; index++) {
      slots[index] = old.slots[order(index)] as number
      turns[index] = old.turns[order(index)] as number
      expires[index] = old.expires[order(index)] as number
    }
    first = 0
    capacity = next
  }

  return {
    push,
    shift,
    isFull: () => length === max,
    firstExpires: () => (length === 0 ? Number.POSITIVE_INFINITY : (expires[first] as number)),
  }
}
