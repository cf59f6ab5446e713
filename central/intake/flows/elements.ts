// Information elements (https://www.iana.org/assignments/ipfix) → members of a record. NetFlow v9 has the same numbers.
// What is not listed here is passed over by its length.

import { type FlowRecord, setV4, setV6 } from './flow-record.ts'
import { uintAt } from './octets.ts'

/** Elements of the reverse direction have the same numbers below this enterprise (RFC 5103). */
export const reverseEnterprise = 29_305

type Read = (record: FlowRecord, octets: Uint8Array, at: number, length: number) => void

type NumberName = {
  [K in keyof FlowRecord]: FlowRecord[K] extends number ? K : never
}[keyof FlowRecord]

/** Of an interval since the last report; over several elements of one record the last one counts. */
function number(name: NumberName): Read {
  return (record, octets, at, length) => {
    if (length >= 1 && length <= 8) record[name] = uintAt(octets, at, length)
  }
}

function address(end: 'src' | 'dst', width: 4 | 16): Read {
  const put = width === 4 ? setV4 : setV6
  return (record, octets, at, length) => {
    if (length !== width) return
    // A record of both families has zeros in the one that it does not use.
    const has = end === 'src' ? 'hasSrc' : 'hasDst'
    if (record[has] && isZero(octets, at, width)) return
    put(record[end], octets, at)
    record[has] = true
  }
}

function isZero(octets: Uint8Array, at: number, width: number): boolean {
  for (let index = 0; index < width; index++) if (octets[at + index] !== 0) return false
  return true
}

const secondsTo1970 = 2_208_988_800

/** Seconds since 1970, in milliseconds. */
function seconds(name: 'startMs' | 'endMs'): Read {
  return (record, octets, at, length) => {
    if (length === 4) record[name] = uintAt(octets, at, 4) * 1000
  }
}

/** An NTP time (RFC 7011, 6.1.9): seconds since 1900 and their fraction. */
function ntp(name: 'startMs' | 'endMs'): Read {
  return (record, octets, at, length) => {
    if (length !== 8) return
    const whole = uintAt(octets, at, 4) - secondsTo1970
    const fraction = uintAt(octets, at + 4, 4) / 0x1_0000_0000
    record[name] = Math.max(0, Math.round((whole + fraction) * 1000))
  }
}

function text(record: FlowRecord, octets: Uint8Array, at: number, length: number): void {
  const octetsOfText = octets.subarray(at, at + Math.min(length, 64))
  const end = octetsOfText.indexOf(0)
  const shown = Buffer.from(end < 0 ? octetsOfText : octetsOfText.subarray(0, end)).toString('utf8')
  record.interfaceName = shown.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
}

const standard: Readonly<Record<number, Read>> = {
  1: number('bytes'),
  2: number('packets'),
  4: number('protocol'),
  6: number('tcpFlags'),
  7: number('srcPort'),
  8: address('src', 4),
  10: number('input'),
  11: number('dstPort'),
  12: address('dst', 4),
  14: number('output'),
  21: number('endUptimeMs'),
  22: number('startUptimeMs'),
  27: address('src', 16),
  28: address('dst', 16),
  34: number('sampling'),
  48: number('sampler'),
  50: number('sampling'),
  61: number('direction'),
  82: text,
  85: number('totalBytes'),
  86: number('totalPackets'),
  136: number('endReason'),
  150: seconds('startMs'),
  151: seconds('endMs'),
  152: number('startMs'),
  153: number('endMs'),
  154: ntp('startMs'),
  155: ntp('endMs'),
  156: ntp('startMs'),
  157: ntp('endMs'),
  160: number('initMs'),
  161: number('durationMs'),
  231: number('bytes'),
  232: number('reverseBytes'),
  239: number('initiator'),
  298: number('packets'),
  299: number('reversePackets'),
  302: number('sampler'),
  305: number('sampling'),
  306: number('samplingSpace'),
}

const reverse: Readonly<Record<number, Read>> = {
  1: number('reverseBytes'),
  2: number('reversePackets'),
  85: number('reverseTotalBytes'),
  86: number('reverseTotalPackets'),
}

/** How the element is read; undefined when it is of no use here. */
export function elementOf(id: number, enterprise: number): Read | undefined {
  if (enterprise === 0) return standard[id]
  return enterprise === reverseEnterprise ? reverse[id] : undefined
}

export type { Read }
