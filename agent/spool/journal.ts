// The octets of a checkpoint file: a header, a chunk of all entries, then one chunk per committed frame with what
// that frame changed. Little-endian.
//
//   header   0 "WCKJ"  4 version of the entries (1)  8 boot id (16)
//   chunk    0 crc32 of the rest  4 octets of the body  8 sequence of the frame (u64)  16 entries  20 zero
//            24 body: entries (96 each, enrich/entries.ts), then slots that are gone (u32 each)
//
// A later entry of a slot replaces the earlier one. Reading ends at a chunk that is not whole, because the
// process died writing it, or whose frame was not committed.

import { crc32 } from 'node:zlib'
import { at, type EntryChanges, entryWords } from '../enrich/entries.ts'

/** The state that the chunks lead to. */
export interface Replayed {
  /** Entries in the order of their slots. */
  readonly entries: Uint32Array
  /** Octets of the journal that count; what follows must never count later. */
  readonly length: number
}

const magic = Buffer.from('WCKJ')
/** A file with other entries is one that nobody can read. */
const version = Buffer.of(1, 0, 0, 0)
const headerLength = 24
const chunkLength = 24
const entryLength = entryWords * 4

export function journalHeader(boot: Buffer): Buffer {
  return Buffer.concat([magic, version, boot], headerLength)
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
  if (!octets.subarray(0, headerLength).equals(journalHeader(boot))) return undefined
  /** Slot → where its entry begins. */
  const places = new Map<number, number>()
  let length = headerLength
  while (length + chunkLength <= octets.length) {
    if (sequenceOf(octets, length) > lastSequence) break
    const end = length + chunkLength + octets.readUInt32LE(length + 4)
    if (!isWhole(octets, length, end)) return undefined
    apply(octets, { from: length, end }, places)
    length = end
  }
  return length === headerLength ? undefined : { entries: gather(octets, places), length }
}

function sequenceOf(octets: Buffer, from: number): number {
  return octets.readUInt32LE(from + 8) + octets.readUInt32LE(from + 12) * 0x1_0000_0000
}

function isWhole(octets: Buffer, from: number, end: number): boolean {
  return end <= octets.length && octets.readUInt32LE(from) === crc32(octets.subarray(from + 4, end))
}

function apply(
  octets: Buffer,
  { from, end }: { readonly from: number; readonly end: number },
  places: Map<number, number>,
): void {
  const body = from + chunkLength
  const gone = body + octets.readUInt32LE(from + 16) * entryLength
  for (let place = body; place < gone; place += entryLength) {
    places.set(octets.readUInt32LE(place + at.slot * 4), place)
  }
  for (let place = gone; place < end; place += 4) places.delete(octets.readUInt32LE(place))
}

function gather(octets: Buffer, places: ReadonlyMap<number, number>): Uint32Array {
  const slots = Uint32Array.from(places.keys()).sort()
  const entries = Buffer.from(new ArrayBuffer(slots.length * entryLength))
  for (const [index, slot] of slots.entries()) {
    const place = places.get(slot) as number
    octets.copy(entries, index * entryLength, place, place + entryLength)
  }
  return new Uint32Array(entries.buffer, entries.byteOffset, entries.length / 4)
}
