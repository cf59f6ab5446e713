// Pieces of JSON text as octets, written straight into one buffer: no string per number, time or address.

import { formatAddress, isMapped } from '../model/address.ts'

export interface TextWriter {
  length(): number
  copy(octets: Uint8Array): void
  text(text: string): void
  number(value: number): void
  /** The decimal digits of the 64-bit number. */
  id(low: number, high: number): void
  /** Nanoseconds since 1970 as RFC 3339 with nine digits. */
  time(low: number, high: number): void
  address(octets: Uint8Array, offset: number): void
  /** What was written; the writer begins anew, in the same buffer when it is to be reused. */
  take(reuse?: boolean): Buffer
}

/** More than any single number, time or address has. */
const pieceMax = 64
/** Longer ones are copied by the engine; below, a loop is faster than the call. */
const loopMax = 24
const billion = 1_000_000_000
const zero = 48
const empty = Buffer.alloc(0)

/** A writer with nothing in it; its buffer begins with `capacity` octets. */
export function createTextWriter(capacity: number): TextWriter {
  let buffer: Buffer = empty
  let at = 0
  let day = -1
  let dayText: Buffer = empty

  function room(more: number): void {
    if (at + more <= buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(capacity, buffer.length * 2, at + more))
    larger.set(buffer.subarray(0, at))
    buffer = larger
  }

  function copy(octets: Uint8Array): void {
    const { length } = octets
    room(length)
    if (length > loopMax) buffer.set(octets, at)
    else for (let index = 0; index < length; index++) buffer[at + index] = octets[index] as number
    at += length
  }

  function text(text: string): void {
    room(text.length * 3)
    at += buffer.write(text, at)
  }

  function number(value: number): void {
    room(pieceMax)
    if (Number.isSafeInteger(value) && value >= 0) digits(value)
    else text(String(value))
  }

  /** Of a whole number below 2^53; there is room for it. */
  function digits(value: number): void {
    const high = Math.floor(value / billion)
    if (high > 0) digits(high)
    const rest = value - high * billion
    padded(rest, high > 0 ? 9 : widthOf(rest))
  }

  /** Of a whole number below 10^9. */
  function padded(value: number, width: number): void {
    let rest = value | 0
    for (let place = at + width - 1; place >= at; place--) {
      const next = (rest / 10) | 0
      buffer[place] = zero + rest - next * 10
      rest = next
    }
    at += width
  }

  function id(low: number, high: number): void {
    room(pieceMax)
    const billions = billionsOf(low, high)
    if (billions > 0) digits(billions)
    const rest = restOf(low, high)
    padded(rest, billions > 0 ? 9 : widthOf(rest))
  }

  function time(low: number, high: number): void {
    room(pieceMax)
    const seconds = billionsOf(low, high)
    const days = Math.floor(seconds / 86_400)
    if (days !== day) {
      day = days
      dayText = Buffer.from(new Date(days * 86_400_000).toISOString().slice(0, 11))
    }
    copy(dayText)
    const second = seconds - days * 86_400
    padded((second / 3600) | 0, 2)
    sign(':')
    padded(((second / 60) | 0) % 60, 2)
    sign(':')
    padded(second % 60, 2)
    sign('.')
    padded(restOf(low, high), 9)
    sign('Z')
  }

  function sign(character: string): void {
    buffer[at++] = character.charCodeAt(0)
  }

  function address(octets: Uint8Array, offset: number): void {
    room(pieceMax)
    if (!isMapped(octets, offset)) {
      text(formatAddress(octets, offset))
      return
    }
    for (let index = offset + 12; index < offset + 16; index++) {
      if (index > offset + 12) sign('.')
      const octet = octets[index] as number
      padded(octet, widthOf(octet))
    }
  }

  function take(reuse = false): Buffer {
    const taken = buffer.subarray(0, at)
    if (!reuse) buffer = empty
    at = 0
    return taken
  }

  return { length: () => at, copy, text, number, id, time, address, take }
}

/** Decimal digits of a whole number below 10^9. */
function widthOf(value: number): number {
  let width = 1
  for (let limit = 10; value >= limit; limit *= 10) width++
  return width
}

// A 64-bit number divided by 10^9 as on paper, by its halves of 16 bits: no step is beyond 2^53.

function billionsOf(low: number, high: number): number {
  const first = (high % billion) * 65_536 + (low >>> 16)
  const second = (first % billion) * 65_536 + (low & 65_535)
  const upper = Math.floor(high / billion) * 65_536 + Math.floor(first / billion)
  return upper * 65_536 + Math.floor(second / billion)
}

function restOf(low: number, high: number): number {
  const first = (high % billion) * 65_536 + (low >>> 16)
  return ((first % billion) * 65_536 + (low & 65_535)) % billion
}
