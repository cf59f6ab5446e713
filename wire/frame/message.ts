// Messages of the stream: length, type, body (FORMAT.md). The decoder never trusts a length it has not checked.

import { wireError } from '../errors.ts'

export type MessageType = 'hello' | 'welcome' | 'frame' | 'ack' | 'refuse' | 'clock'

export interface Message {
  readonly type: MessageType
  /** The body; a view that is valid during the call that delivers it. */
  readonly body: Uint8Array
}

export interface Hello {
  readonly protocol: number
  readonly agent: string
  readonly boot: string
  readonly node: string
  readonly version: string
  /** How often the agent reports. */
  readonly intervalMs: number
  /** The agent's clock when it sent this, milliseconds since 1970. */
  readonly timeMs: number
  readonly schemas: Readonly<Record<string, number>>
}

export interface Welcome {
  readonly protocol: number
  readonly version: string
  /** That many frames may be unacknowledged. */
  readonly credits: number
  /** The agent says its clock so often (CLOCK). */
  readonly clockMs: number
  /** Key of connection ids, 32 hex digits: the same for all agents of a fleet. */
  readonly fleetKey: string
  /** Processes of central; an agent on the same host leaves connections between them and itself out. */
  readonly pids?: readonly number[]
}

export interface Refusal {
  readonly code: string
  readonly message: string
  /** The frame that must never be sent again; without it the connection ends. */
  readonly sequence?: string
}

/** The four octets an agent opens the connection with. */
export const streamPreface: Uint8Array = Buffer.from('WEIR')
/** Octets of a message at most; a longer announcement ends the connection. */
export const messageLengthMax = 67_108_864

const types: readonly (MessageType | undefined)[] = [
  undefined,
  'hello',
  'welcome',
  'frame',
  'ack',
  'refuse',
  'clock',
]

/** One message as octets; the body is copied. */
export function encodeMessage(type: MessageType, body: Uint8Array): Buffer {
  const message = Buffer.allocUnsafe(5 + body.length)
  message.writeUInt32LE(1 + body.length, 0)
  message[4] = types.indexOf(type)
  message.set(body, 5)
  return message
}

/** HELLO, WELCOME or REFUSE. */
export function encodeJsonMessage(
  type: 'hello' | 'welcome' | 'refuse',
  value: Hello | Welcome | Refusal,
): Buffer {
  return encodeMessage(type, Buffer.from(JSON.stringify(value)))
}

/** ACK: the frame of this sequence is on central's disk. */
export function encodeAck(sequence: number): Buffer {
  const body = Buffer.alloc(8)
  body.writeBigUInt64LE(BigInt(sequence))
  return encodeMessage('ack', body)
}

/** The sequence that an ACK names. Throws AppError bad_message. */
export function readAck(body: Uint8Array): number {
  if (body.length !== 8) throw badMessage('an ACK has 8 octets')
  const sequence = Number(Buffer.from(body).readBigUInt64LE())
  if (!Number.isSafeInteger(sequence)) throw badMessage('the sequence of an ACK is above 2^53')
  return sequence
}

/** CLOCK: the agent's clock at the instant of sending, milliseconds since 1970. */
export function encodeClock(timeMs: number): Buffer {
  const body = Buffer.alloc(8)
  body.writeBigInt64LE(BigInt(timeMs))
  return encodeMessage('clock', body)
}

/** The time that a CLOCK says. Throws AppError bad_message. */
export function readClock(body: Uint8Array): number {
  if (body.length !== 8) throw badMessage('a CLOCK has 8 octets')
  const timeMs = Number(Buffer.from(body).readBigInt64LE())
  if (!Number.isSafeInteger(timeMs)) throw badMessage('the time of a CLOCK is beyond 2^53')
  return timeMs
}

/** The object of HELLO, WELCOME or REFUSE; its members are still to be checked by the reader. */
export function readJsonBody(body: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(body).toString())
  } catch (cause) {
    throw wireError('bad_message', { details: { what: 'its body is no JSON' }, cause })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw badMessage('its body is no JSON object')
}

export interface MessageDecoder {
  /** Takes octets as they come and delivers each whole message; throws `bad_preface` or `bad_message`. */
  push(octets: Uint8Array, deliver: (message: Message) => void): void
  /** Octets of a message that is not whole yet. */
  pending(): number
}

export interface MessageDecoderOptions {
  /** Expect the preface first: central's side. */
  readonly preface: boolean
  /** A lower limit than the format's, for a side that expects small messages only. */
  readonly lengthMax?: number
}

/**
 * Decodes one direction of a stream. A length is checked before a single octet of its body is kept;
 * memory held is at most one message, and grows only with what really arrived.
 */
export function createMessageDecoder(options: MessageDecoderOptions): MessageDecoder {
  const lengthMax = options.lengthMax ?? messageLengthMax
  let buffer = Buffer.alloc(0)
  let filled = 0
  let prefaceDue = options.preface

  function push(octets: Uint8Array, deliver: (message: Message) => void): void {
    append(octets)
    let at = prefaceDue ? skipPreface() : 0
    while (filled - at >= 5) {
      const length = checkedLength(at)
      if (filled - at < 4 + length) break
      const type = types[buffer[at + 4] as number] as MessageType
      deliver({ type, body: buffer.subarray(at + 5, at + 4 + length) })
      at += 4 + length
    }
    keepFrom(at)
  }

  function append(octets: Uint8Array): void {
    if (filled + octets.length > buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, filled + octets.length))
      buffer.copy(larger, 0, 0, filled)
      buffer = larger
    }
    buffer.set(octets, filled)
    filled += octets.length
  }

  function skipPreface(): number {
    const seen = buffer.subarray(0, Math.min(filled, 4))
    if (!seen.equals(streamPreface.subarray(0, seen.length))) throw wireError('bad_preface')
    if (filled < 4) return 0
    prefaceDue = false
    return 4
  }

  function checkedLength(at: number): number {
    const length = buffer.readUInt32LE(at)
    if (length < 1 || length > lengthMax) throw badMessage(`it says ${length} octets`)
    if (types[buffer[at + 4] as number] === undefined) {
      throw badMessage(`type ${buffer[at + 4]} is not known`)
    }
    return length
  }

  function keepFrom(at: number): void {
    if (at === 0) return
    buffer = Buffer.from(buffer.subarray(at, filled))
    filled = buffer.length
  }

  return { push, pending: () => filled }
}

function badMessage(what: string) {
  return wireError('bad_message', { details: { what } })
}
