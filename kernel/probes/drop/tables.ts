// The table of drops and its double: one is filled while the other is read. Records are put together from both halves
// of an entry, and one for each reason of which something found no room.

import { dropKind, dropRecordByte, dropRecordBytes } from '../../layout/drop-record.ts'
import { createMapEntries } from '../../loader/map-batch.ts'
import type { LoadedObject } from '../../loader/object.ts'
import { createMap, type OwnMap, replaceInner } from '../../loader/own-map.ts'

/** Drops in user space's hands. */
export interface Tables {
  /** Whole records of everything since the last call; the buffer is used again by the next. */
  take(): Uint8Array
  /** How many packets they stood for, of the table, since the begin. */
  taken(): number
  close(): void
}

const keyBytes = dropRecordByte.count
const valueBytes = dropRecordBytes - keyBytes
/** REASONS_MAX of table.h: behind them the other kinds. */
const reasonsMax = 256
const outerKey = new Uint8Array(4)

export function createTables(object: LoadedObject, entriesMax: number): Tables {
  const outer = object.map('current')
  const plan = { name: 'weir_drops', type: 'hash', keyBytes, valueBytes, entriesMax } as const
  const tables: OwnMap[] = []
  const entries = createMapEntries()
  const remainders = createRemainders(object)
  let filled = 0
  let taken = 0
  let records = new Uint8Array(0)
  try {
    tables.push(createMap(plan), createMap(plan))
    replaceInner(outer, outerKey, tables[0] as OwnMap)
  } catch (error) {
    close()
    throw error
  }

  /** When the call that changes the table returns, no program uses the old one. */
  function take(): Uint8Array {
    const full = tables[filled] as OwnMap
    filled = 1 - filled
    replaceInner(outer, outerKey, tables[filled] as OwnMap)
    full.drain(entries)
    const left = remainders()
    const octets = (entries.count + left.length) * dropRecordBytes
    if (records.length < octets) records = new Uint8Array(octets)
    const view = new DataView(records.buffer)
    for (let index = 0; index < entries.count; index++) {
      const at = index * dropRecordBytes
      records.set(entries.keys.subarray(index * keyBytes, (index + 1) * keyBytes), at)
      const value = entries.values.subarray(index * valueBytes, (index + 1) * valueBytes)
      records.set(value, at + keyBytes)
      taken += Number(view.getBigUint64(at + dropRecordByte.count, true))
    }
    for (const [index, remainder] of left.entries()) {
      writeRemainder(view, (entries.count + index) * dropRecordBytes, remainder)
    }
    return records.subarray(0, octets)
  }

  function close(): void {
    for (const table of tables) table.close()
  }

  return { take, taken: () => taken, close }
}

interface Remainder {
  readonly kind: number
  readonly reason: number
  readonly count: bigint
  readonly bytes: bigint
}

/** No tuple and no place: the reason, how many and how much. */
function writeRemainder(view: DataView, at: number, { kind, reason, count, bytes }: Remainder) {
  new Uint8Array(view.buffer, at, dropRecordBytes).fill(0)
  view.setUint8(at + dropRecordByte.kind, kind)
  view.setUint32(at + dropRecordByte.reason, reason, true)
  view.setBigUint64(at + dropRecordByte.count, count, true)
  view.setBigUint64(at + dropRecordByte.bytes, bytes, true)
}

/** What each counter rose by since the last call. */
function createRemainders(object: LoadedObject): () => readonly Remainder[] {
  const map = object.map('remainders')
  const entries = createMapEntries()
  const before = new Map<number, readonly [bigint, bigint]>()

  function sumOf(index: number): readonly [bigint, bigint] {
    const view = new DataView(entries.values.buffer, index * map.valueBytes, map.valueBytes)
    let count = 0n
    let bytes = 0n
    for (let at = 0; at < map.valueBytes; at += map.cpuBytes) {
      count += view.getBigUint64(at, true)
      bytes += view.getBigUint64(at + 8, true)
    }
    return [count, bytes]
  }

  return () => {
    map.read(entries)
    const found: Remainder[] = []
    for (let index = 0; index < entries.count; index++) {
      const number = entries.keyWords[index] as number
      const now = sumOf(index)
      const [count, bytes] = before.get(number) ?? [0n, 0n]
      if (now[0] === count) continue
      before.set(number, now)
      const isPacket = number < reasonsMax
      const kind = isPacket ? dropKind.PACKET : number - reasonsMax
      const reason = isPacket && number < reasonsMax - 1 ? number : noReason
      found.push({ kind, reason, count: now[0] - count, bytes: now[1] - bytes })
    }
    return found
  }
}

/** NO_REASON of packet_types.h: not known. */
export const noReason = 0xffff_ffff
