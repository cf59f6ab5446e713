// Frames of the XDP telemetry agent (README.md): read octet by octet, nothing believed.

import { centralError } from '../errors.ts'

/** One packet as that agent reports it. */
export interface TelemetryEvent {
  readonly timestampNs: bigint
  readonly ifindex: number
  readonly queue: number
  /** enum xdp_action: 0 aborted, 1 drop, 2 pass, 3 tx, 4 redirect. */
  readonly action: number
  readonly labelId: number
  /** Of the sample, not of the packet. */
  readonly dataLength: number
  readonly agentId: string
  /** The first octets of the frame; a view that is valid during the call that delivers it. */
  readonly sample: Uint8Array
  /** As text; '' is unknown. */
  readonly source: string
  readonly destination: string
  readonly sourcePort: number
  readonly destinationPort: number
}

const lengthMin = 41
const lengthMax = 2048
const sampleMax = 256
const textMax = 63
const headBytes = 4

/** Whether a connection that begins so carries such frames; undefined: more octets decide. */
export function speaksTelemetry(octets: Uint8Array): boolean | undefined {
  const [low = 0, high = 0, third = 0, fourth = 0] = octets
  if (octets.length >= 2 && low + high * 256 > lengthMax) return false
  if (octets.length < headBytes) return third === 0 && fourth === 0 ? undefined : false
  return third === 0 && fourth === 0 && low + high * 256 >= lengthMin
}

export interface TelemetryDecoder {
  /** Takes octets as they come and delivers each whole frame; throws `telemetry_bad`. */
  push(octets: Uint8Array, deliver: (event: TelemetryEvent) => void): void
  /** Octets of a frame that is not whole yet. */
  pending(): number
}

/** Holds at most one frame. */
export function createTelemetryDecoder(): TelemetryDecoder {
  let held = Buffer.alloc(0)

  function push(octets: Uint8Array, deliver: (event: TelemetryEvent) => void): void {
    const all = held.length === 0 ? Buffer.from(octets) : Buffer.concat([held, octets])
    let at = 0
    while (all.length - at >= headBytes) {
      const length = all.readUInt32LE(at)
      if (length < lengthMin || length > lengthMax) throw bad(`it says ${length} octets`)
      if (all.length - at < headBytes + length) break
      deliver(decode(all.subarray(at + headBytes, at + headBytes + length)))
      at += headBytes + length
    }
    held = Buffer.from(all.subarray(at))
  }

  return { push, pending: () => held.length }
}

/** Of one frame without its length. */
function decode(frame: Buffer): TelemetryEvent {
  const cursor = { frame, at: 28 }
  const agentId = text(cursor, 'agent id')
  if (agentId === '') throw bad('its agent id is empty')
  const sample = take(cursor, u16(cursor), sampleMax, 'sample')
  const [source, destination] = [text(cursor, 'source'), text(cursor, 'destination')]
  const [sourcePort, destinationPort] = [port(cursor), port(cursor)]
  if (cursor.at !== frame.length) throw bad('octets follow the last member')
  return {
    timestampNs: frame.readBigUInt64LE(0),
    ifindex: frame.readUInt32LE(8),
    queue: frame.readUInt32LE(12),
    action: frame.readUInt32LE(16),
    labelId: frame.readUInt32LE(20),
    dataLength: frame.readUInt32LE(24),
    agentId,
    sample,
    source,
    destination,
    sourcePort,
    destinationPort,
  }
}

interface Cursor {
  readonly frame: Buffer
  at: number
}

function take(cursor: Cursor, length: number, most: number, what: string): Buffer {
  const from = cursor.at
  if (length > most) throw bad(`its ${what} has ${length} octets`)
  if (from + length > cursor.frame.length) throw bad(`it ends within the ${what}`)
  cursor.at += length
  return cursor.frame.subarray(from, cursor.at)
}

function u16(cursor: Cursor): number {
  return take(cursor, 2, 2, 'length of the sample').readUInt16LE(0)
}

/** Printable ASCII: it is shown to people. */
function text(cursor: Cursor, what: string): string {
  const [length = 0] = take(cursor, 1, 1, `length of the ${what}`)
  const octets = take(cursor, length, textMax, what)
  if (octets.some((octet) => octet < 0x20 || octet > 0x7e)) throw bad(`its ${what} is no text`)
  return octets.toString('latin1')
}

function port(cursor: Cursor): number {
  const value = take(cursor, 4, 4, 'port').readUInt32LE(0)
  if (value > 65_535) throw bad(`port ${value} is none`)
  return value
}

function bad(what: string) {
  return centralError('telemetry_bad', { details: { what } })
}
