// Which connection a packet is of: its tuple, either way round, among the ends that the stage enrich knows. The records
// are put in a table, and the ends are gone through once.

import { dropRecordByte, dropRecordBytes, dropRecordWord } from '../../kernel/mod.ts'
import type { EventField } from '../../wire/mod.ts'
import { recordWords as endWords, short, word as socketWord } from '../drain/record.ts'
import type { Cgroups } from '../identity/cgroups.ts'
import type { Columns } from '../rows/columns.ts'
import { type EndTable, hasPair, shortAt, u32At } from '../tcp/end-table.ts'
import type { Connections } from '../tcp/state.ts'

export interface Ends {
  /** End slots by record: of the packet's source and of its destination; -1 = not known here. */
  readonly src: Int32Array
  readonly dst: Int32Array
}

/** Where a record has its tuple. */
export interface TupleLayout {
  readonly bytes: number
  /** In words. */
  readonly source: number
  readonly destination: number
  readonly netns: number
  /** In octets. */
  readonly source_port: number
  readonly destination_port: number
  readonly protocol: number
}

const ofDrops: TupleLayout = {
  bytes: dropRecordBytes,
  source: dropRecordWord.source,
  destination: dropRecordWord.destination,
  netns: dropRecordWord.netns,
  source_port: dropRecordByte.source_port,
  destination_port: dropRecordByte.destination_port,
  protocol: dropRecordByte.protocol,
}

const tcp = 6
const two32 = 0x1_0000_0000
/** Says quickly of most ends that nothing of theirs was dropped. */
const filterBits = 65_536

/**
 * For `count` whole records. Of two ends with one tuple (a port used again, two namespaces) the one in the record's
 * namespace, then the one that is open.
 */
export function endsOfRecords(
  words: Uint32Array,
  count: number,
  ends: EndTable,
  layout = ofDrops,
): Ends {
  const found = { src: new Int32Array(count).fill(-1), dst: new Int32Array(count).fill(-1) }
  const records = viewsOf(words, layout)
  const filter = new Uint8Array(filterBits)
  const byHash = hashed(records, count, filter)
  if (byHash.size === 0) return found
  for (let slot = 0; slot < ends.high; slot++) {
    if (ends.connection[slot] === -1) continue
    const hash = endHash(ends, slot)
    if (filter[hash & (filterBits - 1)] === 0) continue
    for (const record of byHash.get(hash) ?? []) {
      if (isAt(records, record, ends, slot, 'source')) {
        keepBetter(found.src, records, record, ends, slot)
      } else if (isAt(records, record, ends, slot, 'destination')) {
        keepBetter(found.dst, records, record, ends, slot)
      }
    }
  }
  return found
}

/** A connection in its handshake has an id that it may not keep: rows of flows wait for it, so this has none. */
export function writeConnection(
  columns: Pick<Columns<EventField>, 'connection_id'>,
  row: number,
  ...[{ ends, table }, slot]: [Connections, number]
): void {
  if (slot < 0 || (!hasPair(ends, slot) && ends.closed[slot] === 0)) return
  const connection = ends.connection[slot] as number
  columns.connection_id.values[row * 2] = table.id[connection * 2] as number
  columns.connection_id.values[row * 2 + 1] = table.id[connection * 2 + 1] as number
}

/** Asks for the cgroups of these ends, and of those whose ids are in `more`, together: one walk over the hierarchy. */
export function nameCgroupsOf(
  { src, dst }: Ends,
  ends: EndTable,
  ...[cgroups, more]: [Cgroups, Iterable<number>?]
): void {
  const asked = new Set(more ?? [])
  for (let record = 0; record < src.length; record++) {
    for (const slot of [src[record] as number, dst[record] as number]) {
      if (slot < 0) continue
      const at = slot * endWords + socketWord.cgroup
      asked.add((ends.words[at] as number) + (ends.words[at + 1] as number) * two32)
    }
  }
  for (const id of asked) cgroups.ownerOf(id)
  cgroups.refresh()
}

interface Views {
  readonly layout: TupleLayout
  readonly words: Uint32Array
  readonly shorts: Uint16Array
  readonly octets: Uint8Array
}

function viewsOf(words: Uint32Array, layout: TupleLayout): Views {
  const { buffer, byteOffset, length } = words
  const shorts = new Uint16Array(buffer, byteOffset, length * 2)
  return { layout, words, shorts, octets: new Uint8Array(buffer, byteOffset, length * 4) }
}

/** Records of TCP by the hash of their tuple. */
function hashed(views: Views, count: number, filter: Uint8Array): Map<number, number[]> {
  const byHash = new Map<number, number[]>()
  const { words, octets, layout } = views
  for (let record = 0; record < count; record++) {
    if (octets[record * layout.bytes + layout.protocol] !== tcp) continue
    const at = record * (layout.bytes / 4)
    const hash =
      sideHash(words, at + layout.source, portAt(views, record, 'source')) ^
      sideHash(words, at + layout.destination, portAt(views, record, 'destination'))
    filter[hash & (filterBits - 1)] = 1
    const same = byHash.get(hash)
    if (same) same.push(record)
    else byHash.set(hash, [record])
  }
  return byHash
}

function endHash(ends: EndTable, slot: number): number {
  const at = slot * endWords
  return (
    sideHash(ends.words, at + socketWord.local, shortAt(ends, slot, short.localPort)) ^
    sideHash(ends.words, at + socketWord.remote, shortAt(ends, slot, short.remotePort))
  )
}

/** Whether the socket is that side of the packet. */
function isAt(
  views: Views,
  record: number,
  ...[ends, slot, side]: [EndTable, number, 'source' | 'destination']
): boolean {
  const other = side === 'source' ? 'destination' : 'source'
  const { words, layout } = views
  const at = record * (layout.bytes / 4)
  const near = portAt(views, record, side)
  const far = portAt(views, record, other)
  if (shortAt(ends, slot, short.localPort) !== near) return false
  if (shortAt(ends, slot, short.remotePort) !== far) return false
  for (let index = 0; index < 4; index++) {
    if (u32At(ends, slot, socketWord.local + index) !== words[at + layout[side] + index])
      return false
    if (u32At(ends, slot, socketWord.remote + index) !== words[at + layout[other] + index])
      return false
  }
  return true
}

function keepBetter(
  slots: Int32Array,
  { words, layout }: Views,
  record: number,
  ...[ends, slot]: [EndTable, number]
): void {
  const known = slots[record] as number
  const netns = words[record * (layout.bytes / 4) + layout.netns] as number
  const rank = (end: number) =>
    (u32At(ends, end, socketWord.netns) === netns ? 2 : 0) + (ends.closed[end] === 0 ? 1 : 0)
  if (known < 0 || rank(slot) > rank(known)) slots[record] = slot
}

function portAt({ shorts, layout }: Views, record: number, side: 'source' | 'destination') {
  return shorts[(record * layout.bytes + layout[`${side}_port`]) / 2] as number
}

/** The sum of both sides' is the same from either side. */
function sideHash(words: Uint32Array, at: number, port: number): number {
  let hash = port ^ 0x9e37_79b1
  for (let index = 0; index < 4; index++) {
    hash = Math.imul(hash ^ (words[at + index] as number), 0x85eb_ca6b)
    hash ^= hash >>> 15
  }
  return hash
}
