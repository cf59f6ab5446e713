// A frame: a checked header and one compressed block (FORMAT.md). Written by the agent, read by central.

import { crc32, constants as zlib, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { wireError } from '../errors.ts'
import type { Table } from '../model/field.ts'
import { tableNumbered } from '../model/tables.ts'

export type FrameCodec = 'none' | 'zstd'

/** Octets of a header, the first of a frame. */
export const frameHeaderLength = 84
/** What one frame may hold at most: rows, and octets of its block before compression. */
export const frameLimits = { rows: 1_000_000, rawLength: 268_435_456 } as const

export interface FrameHeader {
  readonly table: Table
  /** Number of the sender's schema: at most the table's of today. */
  readonly schema: number
  readonly codec: FrameCodec
  /** UUIDs as text. */
  readonly agent: string
  readonly boot: string
  readonly sequence: number
  readonly rows: number
  /** Of the rows' `time`, nanoseconds since 1970. */
  readonly timeMin: bigint
  readonly timeMax: bigint
  readonly rawLength: number
  readonly storedLength: number
}

export type FrameFields = Omit<FrameHeader, 'rawLength' | 'storedLength'>

const magic = 0x4d52_4657 // "WFRM" read as a little-endian u32
const codecs: readonly FrameCodec[] = ['none', 'zstd']
const crcFrom = 16

/** Compresses the block (zstd level 1, or not at all) and puts the header before it. */
export function encodeFrame(fields: FrameFields, block: Uint8Array): Buffer {
  const stored = fields.codec === 'zstd' ? compress(block) : block
  const frame = Buffer.alloc(frameHeaderLength + stored.length)
  frame.writeUInt32LE(magic, 0)
  frame[4] = 1
  frame[5] = fields.table.number
  frame.writeUInt16LE(fields.schema, 6)
  frame[8] = codecs.indexOf(fields.codec)
  frame.set(uuidOctets(fields.agent), 16)
  frame.set(uuidOctets(fields.boot), 32)
  frame.writeBigUInt64LE(BigInt(fields.sequence), 48)
  frame.writeUInt32LE(fields.rows, 56)
  frame.writeBigInt64LE(fields.timeMin, 60)
  frame.writeBigInt64LE(fields.timeMax, 68)
  frame.writeUInt32LE(block.length, 76)
  frame.writeUInt32LE(stored.length, 80)
  frame.set(stored, frameHeaderLength)
  frame.writeUInt32LE(crc32(frame.subarray(crcFrom)), 12)
  return frame
}

/** Reads and checks everything of a whole frame but the block; throws `bad_frame`. */
export function readFrameHeader(frame: Uint8Array): FrameHeader {
  if (frame.length < frameHeaderLength) throw damaged('it is shorter than a header')
  const octets = Buffer.from(frame.buffer, frame.byteOffset, frame.length)
  checkFixed(octets)
  const header: FrameHeader = {
    table: known(tableNumbered(octets[5] as number), 'table'),
    schema: octets.readUInt16LE(6),
    codec: known(codecs[octets[8] as number], 'codec'),
    agent: uuidText(octets.subarray(16, 32)),
    boot: uuidText(octets.subarray(32, 48)),
    sequence: Number(octets.readBigUInt64LE(48)),
    rows: octets.readUInt32LE(56),
    timeMin: octets.readBigInt64LE(60),
    timeMax: octets.readBigInt64LE(68),
    rawLength: octets.readUInt32LE(76),
    storedLength: octets.readUInt32LE(80),
  }
  checkBounds(header, frame.length)
  if (crc32(octets.subarray(crcFrom)) !== octets.readUInt32LE(12)) throw damaged('its CRC differs')
  return header
}

/** The block of a frame whose header was read; never more than the header's raw length. */
export function readFrameBlock(frame: Uint8Array, header: FrameHeader): Uint8Array {
  const stored = frame.subarray(frameHeaderLength)
  if (header.codec === 'none') return stored
  const block = decompress(stored, header.rawLength)
  if (block.length !== header.rawLength) throw damaged('its block has another length than said')
  return block
}

function checkFixed(octets: Buffer): void {
  if (octets.readUInt32LE(0) !== magic) throw damaged('it does not begin with WFRM')
  if (octets[4] !== 1) throw damaged(`version ${octets[4]} is not known`)
  if (octets[9] !== 0 || octets.readUInt16LE(10) !== 0) throw damaged('a reserved field is not 0')
}

function checkBounds(header: FrameHeader, length: number): void {
  if (!Number.isSafeInteger(header.sequence)) throw damaged('its sequence is above 2^53')
  if (header.rows < 1 || header.rows > frameLimits.rows)
    throw damaged(`it says ${header.rows} rows`)
  if (header.timeMin > header.timeMax) throw damaged('its time range is reversed')
  if (header.rawLength > frameLimits.rawLength) throw damaged('its block is too long')
  if (header.storedLength !== length - frameHeaderLength) throw damaged('its length differs')
  if (header.codec === 'none' && header.rawLength !== header.storedLength) {
    throw damaged('its lengths differ without compression')
  }
}

/** Node makes an output of chunks of 16 KiB and then one of them all; one that is large enough is taken as it is. */
const chunkMin = 65_536
const chunkMax = 16_777_216

function compress(block: Uint8Array): Uint8Array {
  const chunkSize = chunkFor(block.length / 4)
  return zstdCompressSync(block, { chunkSize, params: { [zlib.ZSTD_c_compressionLevel]: 1 } })
}

function decompress(stored: Uint8Array, rawLength: number): Uint8Array {
  // A chunk that is full to the last octet is followed by another one.
  const chunkSize = chunkFor(rawLength + 1)
  try {
    return zstdDecompressSync(stored, { chunkSize, maxOutputLength: Math.max(rawLength, 1) })
  } catch (cause) {
    throw wireError('bad_frame', { details: { what: 'its block does not decompress' }, cause })
  }
}

function chunkFor(length: number): number {
  return Math.min(Math.max(Math.ceil(length), chunkMin), chunkMax)
}

function known<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw damaged(`its ${what} is not known`)
  return value
}

function damaged(what: string) {
  return wireError('bad_frame', { details: { what } })
}

function uuidOctets(uuid: string): Uint8Array {
  const octets = Buffer.from(uuid.replaceAll('-', ''), 'hex')
  if (octets.length !== 16) throw damaged(`${uuid} is no UUID`)
  return octets
}

function uuidText(octets: Buffer): string {
  return octets.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
