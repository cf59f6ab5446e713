// What an agent before us had told of connections that are still open: read at start from its checkpoint, so
// that increments go on where they ended. A socket is known again by its cookie (same boot only).

import { word } from '../drain/record.ts'
import { flag, setFlag, totals as totalCount } from './connection-table.ts'
import { hasPair, u32At } from './end-table.ts'
import { at, entryWords, known } from './entries.ts'
import { createSlotIndex } from './slot-index.ts'
import type { Connections, Restored } from './state.ts'

/** `words` are whole entries, in any order (entries.ts). */
export function createRestored(words: Uint32Array): Restored {
  const byCookie = createSlotIndex()
  const numbers = new Float64Array(words.buffer, words.byteOffset, words.length / 2)
  const count = words.length / entryWords
  const connections = new Int32Array(count).fill(-1)
  for (let entry = 0; entry < count; entry++) {
    for (const side of [at.src, at.dst]) {
      const low = words[entry * entryWords + side] as number
      const high = words[entry * entryWords + side + 1] as number
      if (low !== 0 || high !== 0) byCookie.set(low, high, entry)
    }
  }

  function entryOf(state: Connections, slot: number): number {
    const { ends } = state
    const started = u32At(ends, slot, word.start) | u32At(ends, slot, word.start + 1)
    if (started !== 0) return -1 // opened before our eyes: no earlier agent knew it
    return byCookie.find(u32At(ends, slot, word.cookie), u32At(ends, slot, word.cookie + 1))
  }

  function connectionOf(state: Connections, slot: number): number {
    const entry = hasPair(state.ends, slot) ? -1 : entryOf(state, slot)
    return entry < 0 ? -1 : (connections[entry] as number)
  }

  function claim(state: Connections, slot: number, connection: number): void {
    const entry = entryOf(state, slot)
    if (entry < 0 || connections[entry] !== -1) return
    const { table } = state
    const from = entry * entryWords
    const flags = words[from + at.flags] as number
    const sameId =
      table.id[connection * 2] === words[from + at.id] &&
      table.id[connection * 2 + 1] === words[from + at.id + 1]
    if (!sameId && hasPair(state.ends, slot) && (flags & known.paired) !== 0) return
    connections[entry] = connection
    table.id[connection * 2] = words[from + at.id] as number
    table.id[connection * 2 + 1] = words[from + at.id + 1] as number
    table.start[connection * 2] = words[from + at.start] as number
    table.start[connection * 2 + 1] = words[from + at.start + 1] as number
    for (let index = 0; index < totalCount; index++) {
      table.reported[connection * totalCount + index] = numbers[from / 2 + index] as number
    }
    setFlag(table, connection, flag.rowSent)
    if ((flags & known.directionKnown) !== 0) setFlag(table, connection, flag.directionKnown)
    const isSrc = words[from + at.src] === u32At(state.ends, slot, word.cookie)
    table.src[connection] = isSrc ? slot : -1
    table.dst[connection] = isSrc ? -1 : slot
  }

  return {
    connectionOf,
    claim,
    unclaimed: () => connections.reduce((sum, connection) => sum + (connection < 0 ? 1 : 0), 0),
  }
}
