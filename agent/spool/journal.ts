// The octets of a checkpoint file: a header, a chunk of all entries, then one chunk per committed frame with what
// that frame changed. Little-endian.
//
//   header   0 "WCKJ"  4 version of the entries (1; 0 had 88 octets each)  8 boot id (16)
//   chunk    0 crc32 of the rest  4 octets of the body  8 sequence of the frame (u64)  16 entries  20 zero
//            24 body: entries (96 each, tcp/entries.ts), then slots that are gone (u32 each)
//
// A later entry of a slot replaces the earlier one. Reading ends at a chunk that is not whole, because the
// process died writing it, or whose frame was not committed.

import { crc32 } from 'node:zlib'
import { at, type EntryChanges, entryWords } from '../tcp/entries.ts'

/** The state that the chunks lead to. */
export interface Replayed {
  /** Entries in the order of their slots. */
  readonly entries: Uint32Array
  /** Octets of the journal that count; what follows must never count later. */
  readonly length: number
}

const magic = Buffer.from('WCKJ')
const version = 1
const headerLength = 24
const chunkLength = 24

/** How long an entry of a version is, where its slot stands, and where words that it lacks would be. */
interface Layout {
  readonly words: number
  readonly slot: number
  readonly lacks?: { readonly at: number; readonly words: number }
}

/** By version. An entry of version 0 does not know the pair of sequence numbers. */
const layouts: readonly Layout[] = [
  { words: 22, slot: 21, lacks: { at: at.pair, words: 2 } },
  { words: entryWords, slot: at.slot },
]

export function journalHeader(boot: Buffer): Buffer {
  return Buffer.concat([magic, Buffer.of(version, 0, 0, 0), boot], headerLength)
}

/** The layout of a file of this boot; undefined for any other, or one of a version that is not known. */
function layoutOf(octets: Buffer, boot: Buffer): Layout | undefined {
  const isOurs = octets.length >= headerLength && octets.subarray(0, 4).equals(magic)
  if (!isOurs || !octets.subarray(8, headerLength).equals(boot)) return undefined
  return layouts[octets.readUInt32LE(4)]
}

/** Parts to be written one after the other; they are views of `changes`. */
export function journalChunk(sequence: number, { entries, gone }: EntryChanges): readonly Buffer[] {
  const body = [entries, gone].map((words) =>
    Buffer.from(words.buffer, words.byteOffset, words.byteLength),
  )
  const head = Buffer.alloc(chunkLength)
  head.writeUInt32LE(entries.byteLength + gone.byteLength, 4)
  head.writeUInt32LE(sequence % 0x1_0000_0000, 8)
  head.writeUInt32LE(Math.floor(sequence / 0x1_0000_0000), 12)
  head.writeUInt32LE(entries.length / entryWords, 16)
  head.writeUInt32LE(
    body.reduce((crc, part) => crc32(part, crc), crc32(head.subarray(4))),
    0,
  )
  return [head, ...body]
}

/**
 * What the journal says up to the frame `lastSequence`. Undefined when it is not of this boot, when its first
 * chunk does not count, or when a chunk is damaged that had to count: then nothing of it can be believed.
 */
export function replayJournal(
  octets: Buffer,
  boot: Buffer,
  lastSequence: number,
): Replayed | undefined {
  const layout = layoutOf(octets, boot)
  if (!layout) return undefined
  /** Slot → where its entry begins. */
  const places = new Map<number, number>()
  let length = headerLength
  while (length + chunkLength <= octets.length) {
    if (sequenceOf(octets, length) > lastSequence) break
    const end = length + chunkLength + octets.readUInt32LE(length + 4)
    if (!isWhole(octets, length, end)) return undefined
    apply(octets, { from: length, end, layout }, places)
    length = end
  }
  return length === headerLength ? undefined : { entries: gather(octets, places, layout), length }
}

function sequenceOf(octets: Buffer, from: number): number {
  return octets.readUInt32LE(from + 8) + octets.readUInt32LE(from + 12) * 0x1_0000_0000
}

function isWhole(octets: Buffer, from: number, end: number): boolean {
  return end <= octets.length && octets.readUInt32LE(from) === crc32(octets.subarray(from + 4, end))
}

function apply(
  octets: Buffer,
  { from, end, layout }: { readonly from: number; readonly end: number; readonly layout: Layout },
  places: Map<number, number>,
): void {
  const body = from + chunkLength
  const entryLength = layout.words * 4
  const gone = body + octets.readUInt32LE(from + 16) * entryLength
  for (let place = body; place < gone; place += entryLength) {
    places.set(octets.readUInt32LE(place + layout.slot * 4), place)
  }
  for (let place = gone; place < end; place += 4) places.delete(octets.readUInt32LE(place))
}

/** Entries of today's layout; what theirs lacks is 0. */
function gather(
  octets: Buffer,
  places: ReadonlyMap<number, number>,
  { words, lacks = { at: words, words: 0 } }: Layout,
): Uint32Array {
  const slots = Uint32Array.from(places.keys()).sort()
  const entries = Buffer.from(new ArrayBuffer(slots.length * entryWords * 4))
  for (const [index, slot] of slots.entries()) {
    const place = places.get(slot) as number
    const to = index * entryWords * 4
    octets.copy(entries, to, place, place + lacks.at * 4)
    octets.copy(entries, to + (lacks.at + lacks.words) * 4, place + lacks.at * 4, place + words * 4)
  }
  return new Uint32Array(entries.buffer, entries.byteOffset, entries.length / 4)
}
