// What an agent before us had reported: read at start from its checkpoint, so that increments go on where they
// ended. A socket is known again by its cookie (same boot only), or by its pair of initial sequence numbers.
// Connections that had ended are remembered at once; those that were open wait here for their sockets.

import { createSlotIndex } from '../../common/mod.ts'
import { word } from '../drain/record.ts'
import { flag, isSet, setFlag, takeConnection, totals as totalCount } from './connection-table.ts'
import { hasPair, u32At } from './end-table.ts'
import { at, entryWords, known } from './entries.ts'
import { setPair } from './join.ts'
import type { Connections, Restored } from './state.ts'

/** `words` are whole entries, in any order (entries.ts); `remember` is given those that had ended. */
export function createRestored(
  state: Connections,
  words: Uint32Array,
  remember: (connection: number) => void,
): Restored {
  const byCookie = createSlotIndex()
  const byPair = createSlotIndex()
  const count = words.length / entryWords
  /** Entry → the connection that continues it; −1 = none yet, −2 = it had ended. */
  const connections = new Int32Array(count).fill(-1)
  for (let entry = 0; entry < count; entry++) {
    const from = entry * entryWords
    if (((words[from + at.flags] as number) & known.ended) !== 0) {
      connections[entry] = -2
      remember(continueEnded(state, words, from))
      continue
    }
    for (const side of [at.src, at.dst]) register(byCookie, words, { from: from + side, entry })
    register(byPair, words, { from: from + at.pair, entry })
  }

  function entryOf(slot: number): number {
    const { ends } = state
    const cookie = u32At(ends, slot, word.cookie)
    const started = u32At(ends, slot, word.start) | u32At(ends, slot, word.start + 1)
    // Opened before our eyes: no earlier agent knew this socket.
    const entry = started === 0 ? byCookie.find(cookie, u32At(ends, slot, word.cookie + 1)) : -1
    if (entry >= 0 || !hasPair(ends, slot)) return entry
    return byPair.find(u32At(ends, slot, word.initiatorSeq), u32At(ends, slot, word.responderSeq))
  }

  function connectionOf(slot: number): number {
    const entry = hasPair(state.ends, slot) ? -1 : entryOf(slot)
    return entry < 0 ? -1 : Math.max(connections[entry] as number, -1)
  }

  function claim(slot: number, connection: number): void {
    const entry = entryOf(slot)
    if (entry < 0 || connections[entry] !== -1) return
    const from = entry * entryWords
    if (isAnother(slot, from)) return
    connections[entry] = connection
    if (isSet(state.table, connection, flag.rowSent)) return
    continueEntry(state, connection, words, from)
    seat(slot, connection, from)
  }

  /** A cookie that is a socket's address (before 5.11) may have been given again. */
  function isAnother(slot: number, from: number): boolean {
    if (!hasPair(state.ends, slot) || words[from + at.pair] === 0) return false
    return (
      words[from + at.pair] !== u32At(state.ends, slot, word.initiatorSeq) ||
      words[from + at.pair + 1] !== u32At(state.ends, slot, word.responderSeq)
    )
  }

  /** The sides are those of the rows before; an end that joins by its pair alone is the other one. */
  function seat(slot: number, connection: number, from: number): void {
    const { table } = state
    const src = table.src[connection] as number
    const other = src === slot ? (table.dst[connection] as number) : src
    const cookie = u32At(state.ends, slot, word.cookie)
    const flags = words[from + at.flags] as number
    const isKnown = words[from + at.src] === cookie || words[from + at.dst] === cookie
    const isSrc = isKnown ? words[from + at.src] === cookie : (flags & known.srcSeen) === 0
    table.src[connection] = isSrc ? slot : other
    table.dst[connection] = isSrc ? other : slot
  }

  const unclaimed = () =>
    connections.reduce((sum, connection) => sum + (connection === -1 ? 1 : 0), 0)
  return { knows: (slot) => entryOf(slot) >= 0, connectionOf, claim, unclaimed }
}

function register(
  index: ReturnType<typeof createSlotIndex>,
  words: Uint32Array,
  { from, entry }: { readonly from: number; readonly entry: number },
): void {
  const low = words[from] as number
  const high = words[from + 1] as number
  if (low !== 0 || high !== 0) index.set(low, high, entry)
}

/** A connection without ends, found by its pair. */
function continueEnded(state: Connections, words: Uint32Array, from: number): number {
  const { table } = state
  const connection = takeConnection(table)
  continueEntry(state, connection, words, from)
  const flags = words[from + at.flags] as number
  setFlag(table, connection, flag.endSent | flag.resting)
  if ((flags & known.peerHere) !== 0) setFlag(table, connection, flag.peerHere)
  if ((flags & known.srcSeen) !== 0) setFlag(table, connection, flag.srcSeen)
  if ((flags & known.dstSeen) !== 0) setFlag(table, connection, flag.dstSeen)
  const initiator = words[from + at.pair] as number
  setPair(state, connection, initiator, words[from + at.pair + 1] as number)
  return connection
}

function continueEntry(
  { table }: Connections,
  connection: number,
  words: Uint32Array,
  from: number,
): void {
  const numbers = new Float64Array(words.buffer, words.byteOffset + from * 4, totalCount)
  const flags = words[from + at.flags] as number
  table.id[connection * 2] = words[from + at.id] as number
  table.id[connection * 2 + 1] = words[from + at.id + 1] as number
  table.start[connection * 2] = words[from + at.start] as number
  table.start[connection * 2 + 1] = words[from + at.start + 1] as number
  table.reported.set(numbers, connection * totalCount)
  if ((flags & known.rowSent) !== 0) setFlag(table, connection, flag.rowSent)
  if ((flags & known.directionKnown) !== 0) setFlag(table, connection, flag.directionKnown)
  const both = known.rowSent | known.srcSeen | known.dstSeen
  if ((flags & both) === both) setFlag(table, connection, flag.bothNamed)
}
