// Flow rows as IPFIX messages (RFC 7011), a biflow per record (RFC 5103). Elements are those of
// https://www.iana.org/assignments/ipfix; the reverse direction has the same numbers below enterprise 29305.
//
//   message   version 10 · length · export time · sequence (records before it) · observation domain
//   set       id (2 template, 256 v4 records, 257 v6 records) · length · records

import type { Batch, Column } from '../../../wire/mod.ts'

/** One element of a template; `width` 65535 is a variable length. */
interface Element {
  readonly id: number
  readonly width: number
  readonly enterprise?: number
  readonly write: (writer: MessageWriter, batch: Batch, row: number) => void
}

const reverse = 29_305
const variable = 65_535
const templateIds = { v4: 256, v6: 257 } as const
const protocols: Readonly<Record<string, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  dccp: 33,
  icmpv6: 58,
  sctp: 132,
}

/** Fields of a flow row that the records hold. */
export const ipfixFields: readonly string[] = [
  'time',
  'start',
  'end',
  'src_address',
  'dst_address',
  'src_port',
  'dst_port',
  'protocol',
  'bytes',
  'packets',
  'reverse_bytes',
  'reverse_packets',
  'end_reason',
  'connection_id',
  'direction_known',
]

/** What only an enterprise's own numbers can say: 1 to 8 of the number that the configuration gives. */
export const enterpriseFields: readonly string[] = [
  'src_process',
  'dst_process',
  'src_workload',
  'dst_workload',
  'rtt_ns',
  'retransmits',
  'src_pod',
  'dst_pod',
]

export interface MessageWriter {
  readonly octets: Buffer
  at: number
}

export interface IpfixEncoder {
  /** The templates as a message of their own. */
  templates(nowMs: number): Buffer
  /** Adds a record; gives the message before it when there is no room for both. */
  add(batch: Batch, row: number, nowMs: number): Buffer | undefined
  /** What is left; undefined when nothing is. */
  flush(nowMs: number): Buffer | undefined
}

export interface IpfixOptions {
  /** Octets of a message at most. */
  readonly lengthMax: number
  readonly domain: number
  /** Private enterprise number of the elements for process, workload and pod; undefined leaves them out. */
  readonly enterprise?: number | undefined
}

const headerLength = 16

export function createIpfixEncoder(options: IpfixOptions): IpfixEncoder {
  const elements = { v4: elementsOf(4, options), v6: elementsOf(16, options) }
  const writer: MessageWriter = { octets: Buffer.alloc(65_535), at: headerLength }
  let sequence = 0
  let records = 0
  let set: { id: number; from: number } | undefined

  function templates(nowMs: number): Buffer {
    const message: MessageWriter = { octets: Buffer.alloc(1024), at: headerLength + 4 }
    for (const [kind, id] of Object.entries(templateIds)) {
      writeTemplate(message, id, elements[kind as keyof typeof elements])
    }
    message.octets.writeUInt16BE(2, headerLength)
    message.octets.writeUInt16BE(message.at - headerLength, headerLength + 2)
    return finished(message, { sequence, nowMs, domain: options.domain })
  }

  function add(batch: Batch, row: number, nowMs: number): Buffer | undefined {
    const kind = isV4(batch, row) ? 'v4' : 'v6'
    const before = writer.at
    writeRecord(kind, batch, row)
    if (writer.at <= options.lengthMax || records === 0) {
      records++
      return undefined
    }
    writer.at = before
    const full = flush(nowMs)
    writeRecord(kind, batch, row)
    records++
    return full
  }

  function writeRecord(kind: keyof typeof templateIds, batch: Batch, row: number): void {
    const id = templateIds[kind]
    if (set?.id !== id) {
      closeSet()
      set = { id, from: writer.at }
      writer.octets.writeUInt16BE(id, writer.at)
      writer.at += 4
    }
    for (const element of elements[kind]) element.write(writer, batch, row)
  }

  function closeSet(): void {
    if (set && writer.at > set.from + 4) {
      writer.octets.writeUInt16BE(writer.at - set.from, set.from + 2)
    } else if (set) writer.at = set.from
    set = undefined
  }

  function flush(nowMs: number): Buffer | undefined {
    closeSet()
    if (records === 0) return undefined
    const message = finished(writer, { sequence, nowMs, domain: options.domain })
    sequence = (sequence + records) >>> 0
    records = 0
    writer.at = headerLength
    return Buffer.from(message)
  }

  return { templates, add, flush }
}

function finished(
  { octets, at }: MessageWriter,
  head: { readonly sequence: number; readonly nowMs: number; readonly domain: number },
): Buffer {
  octets.writeUInt16BE(10, 0)
  octets.writeUInt16BE(at, 2)
  octets.writeUInt32BE(Math.floor(head.nowMs / 1000) >>> 0, 4)
  octets.writeUInt32BE(head.sequence, 8)
  octets.writeUInt32BE(head.domain, 12)
  return octets.subarray(0, at)
}

function writeTemplate(writer: MessageWriter, id: number, elements: readonly Element[]): void {
  writeU16(writer, id)
  writeU16(writer, elements.length)
  for (const { id, width, enterprise } of elements) {
    writeU16(writer, enterprise === undefined ? id : id | 0x8000)
    writeU16(writer, width)
    if (enterprise !== undefined) writeU32(writer, enterprise)
  }
}

function elementsOf(width: 4 | 16, { enterprise }: IpfixOptions): readonly Element[] {
  const [src, dst] = width === 4 ? [8, 12] : [27, 28]
  const own = enterprise === undefined ? [] : ownElements(enterprise)
  return [
    addressElement(src, 'src_address', width),
    addressElement(dst, 'dst_address', width),
    { id: 7, width: 2, write: (to, batch, row) => writeU16(to, number(batch, 'src_port', row)) },
    { id: 11, width: 2, write: (to, batch, row) => writeU16(to, number(batch, 'dst_port', row)) },
    {
      id: 4,
      width: 1,
      write: (to, batch, row) => writeU8(to, protocols[text(batch, 'protocol', row)] ?? 255),
    },
    counterElement(1, 'bytes'),
    counterElement(2, 'packets'),
    { ...counterElement(1, 'reverse_bytes'), enterprise: reverse },
    { ...counterElement(2, 'reverse_packets'), enterprise: reverse },
    {
      id: 152,
      width: 8,
      write: (to, batch, row) =>
        writeMs(to, batch, isNull(batch, 'start', row) ? 'time' : 'start', row),
    },
    { id: 153, width: 8, write: (to, batch, row) => writeMs(to, batch, 'time', row) },
    { id: 136, width: 1, write: (to, batch, row) => writeU8(to, endReasonOf(batch, row)) },
    {
      id: 239,
      width: 1,
      write: (to, batch, row) => writeU8(to, number(batch, 'direction_known', row)),
    },
    { id: 148, width: 8, write: writeConnectionId },
    ...own,
  ]
}

function ownElements(enterprise: number): readonly Element[] {
  return enterpriseFields.map((name, index): Element => {
    const id = index + 1
    if (name !== 'rtt_ns' && name !== 'retransmits') {
      return {
        id,
        enterprise,
        width: variable,
        write: (to, batch, row) => writeText(to, text(batch, name, row)),
      }
    }
    return { ...counterElement(id, name), enterprise }
  })
}

function addressElement(id: number, name: string, width: 4 | 16): Element {
  return {
    id,
    width,
    write: (to, { columns }, row) => {
      const octets = columns[name]?.values as Uint8Array
      to.octets.set(octets.subarray(row * 16 + 16 - width, row * 16 + 16), to.at)
      to.at += width
    },
  }
}

function counterElement(id: number, name: string): Element {
  return { id, width: 8, write: (to, batch, row) => writeU64(to, number(batch, name, row)) }
}

/** ::ffff:0:0/96 at both ends. */
function isV4({ columns }: Batch, row: number): boolean {
  return ['src_address', 'dst_address'].every((name) => {
    const octets = columns[name]?.values as Uint8Array
    for (let at = 0; at < 10; at++) if (octets[row * 16 + at] !== 0) return false
    return octets[row * 16 + 10] === 255 && octets[row * 16 + 11] === 255
  })
}

/** 2: reported while it is open; 3: its end was seen; 1: idle; 4: forced. */
function endReasonOf(batch: Batch, row: number): number {
  if (isNull(batch, 'end', row)) return 2
  const reason = text(batch, 'end_reason', row)
  if (reason === 'timeout') return 1
  return /^(?:closed|reset_by_)/.test(reason) ? 3 : 4
}

function isNull({ columns }: Batch, name: string, row: number): boolean {
  return columns[name]?.nulls?.[row] === 1
}

function number({ columns }: Batch, name: string, row: number): number {
  const column = columns[name] as Column
  return column.nulls?.[row] === 1 ? 0 : (column.values[row] as number)
}

function text({ columns, names }: Batch, name: string, row: number): string {
  return names.text((columns[name] as Column).values[row] as number)
}

function writeMs(to: MessageWriter, { columns }: Batch, name: string, row: number): void {
  const { values } = columns[name] as Column
  const ns = (BigInt(values[row * 2 + 1] as number) << 32n) | BigInt(values[row * 2] as number)
  to.at = to.octets.writeBigUInt64BE(ns / 1_000_000n, to.at)
}

function writeConnectionId(to: MessageWriter, { columns }: Batch, row: number): void {
  const { values } = columns['connection_id'] as Column
  to.octets.writeUInt32BE(values[row * 2 + 1] as number, to.at)
  to.octets.writeUInt32BE(values[row * 2] as number, to.at + 4)
  to.at += 8
}

function writeU8(to: MessageWriter, value: number): void {
  to.octets[to.at++] = value
}

function writeU16(to: MessageWriter, value: number): void {
  to.at = to.octets.writeUInt16BE(value, to.at)
}

function writeU32(to: MessageWriter, value: number): void {
  to.at = to.octets.writeUInt32BE(value, to.at)
}

function writeU64(to: MessageWriter, value: number): void {
  to.octets.writeUInt32BE(Math.floor(value / 0x1_0000_0000), to.at)
  to.octets.writeUInt32BE(value >>> 0, to.at + 4)
  to.at += 8
}

/** Octets up to 254 behind one octet of length: longer ones are cut, at a whole character. */
function writeText(to: MessageWriter, value: string): void {
  const written = to.octets.write(value, to.at + 1, 254)
  to.octets[to.at] = written
  to.at += 1 + written
}
