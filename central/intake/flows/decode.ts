// Datagrams of exporters → flows. Which protocol it is, the first octets say:
//
//   0005 NetFlow v5 · 0009 NetFlow v9 · 000a IPFIX · 00000005 sFlow v5
//
// A datagram that is not what it says it is ends there: what was read of it before is kept, the rest is counted.

import { crc32 } from 'node:zlib'
import type { DatagramContext, FlowSink } from './datagram.ts'
import { createFlowRecord } from './flow-record.ts'
import { decodeNetflow5 } from './netflow5.ts'
import { BadDatagram, u16At, u32At } from './octets.ts'
import type { SequenceCount } from './sequence.ts'
import { decodeSflow } from './sflow.ts'
import {
  createStreams,
  type FlowProtocol,
  isCopy,
  type Source,
  type Stream,
  type StreamLimits,
  type Streams,
  sequenceOf,
} from './streams.ts'
import { decodeTemplated } from './templated.ts'

export interface Decoder {
  /** Takes one datagram, or one message of a TCP connection. Never throws. */
  take(octets: Uint8Array, source: Source, receivedMs: number): void
  /** What was waited for and did not come is counted as lost. */
  tick(nowMs: number): void
  closed(connection: number): void
  readonly streams: Streams
}

interface Head {
  readonly protocol: FlowProtocol
  readonly domain: string
  readonly exportMs: number
  readonly uptimeMs: number
  readonly sequence: number
  /** How many numbers of the sequence the datagram has; undefined when only decoding it says so. */
  readonly count: number | undefined
}

/** An exporter whose time since its start went back by more began anew; less is a datagram that came late. */
const lateUptimeMs = 5_000

export function createDecoder(sink: FlowSink, limits?: StreamLimits): Decoder {
  const streams = createStreams(limits)
  const record = createFlowRecord()

  function take(octets: Uint8Array, source: Source, receivedMs: number): void {
    let stream: Stream | undefined
    try {
      const head = headOf(octets, receivedMs)
      stream = streams.of(head.protocol, source, head.domain, receivedMs)
      if (stream) decode(octets, head, stream, { source, receivedMs })
      else sink.refused(source, 'streams_full', 'too many exporters')
    } catch (error) {
      if (!(error instanceof BadDatagram)) throw error
      if (stream) sink.datagram(stream, 'bad_datagram')
      else sink.refused(source, 'bad_datagram', error.message)
    }
  }

  function decode(
    octets: Uint8Array,
    head: Head,
    stream: Stream,
    { source, receivedMs }: { readonly source: Source; readonly receivedMs: number },
  ): void {
    if (isCopy(stream, crc32(octets)) && source.connection === 0) {
      sink.datagram(stream, 'duplicate')
      return
    }
    const restarted = isRestart(stream, head.uptimeMs)
    if (restarted) forget(stream)
    const clock = { receivedMs, exportMs: head.exportMs, uptimeMs: head.uptimeMs }
    const context = { octets, stream, streams, record, sink, clock }
    const sequence = sequenceOf(stream, source.port)
    const moment = { nowMs: receivedMs, restarted }
    if (head.count !== undefined) {
      sequence.see(head.sequence, { all: head.count, flows: head.count }, moment)
    }
    try {
      const records = decoders[head.protocol](context)
      if (head.count !== undefined) return
      if (records === undefined) sequence.unknown()
      else sequence.see(head.sequence, records, moment)
    } catch (error) {
      if (head.count === undefined) sequence.unknown()
      throw error
    }
  }

  /** What an exporter said before it began anew explains nothing that it says now, nor the other way round. */
  function forget(stream: Stream): void {
    streams.forgetTemplates(stream, () => true)
    stream.samplers.clear()
    const sets = streams.clearWaiting(stream)
    if (sets > 0) sink.withoutTemplate(stream, sets)
  }

  function tick(nowMs: number): void {
    for (const stream of streams.all()) {
      let numbers = 0
      for (const sequence of stream.sequences.values()) numbers += sequence.takeLost(nowMs)
      if (numbers > 0) sink.missing(stream, numbers)
    }
    streams.sweep(nowMs, sink.withoutTemplate)
  }

  const closed = (connection: number) => streams.close(connection, sink.withoutTemplate)
  return { take, tick, closed, streams }
}

/** Each reads the whole datagram; those of v9 and IPFIX give how many records there were, if that is known. */
type Decode = (context: DatagramContext) => SequenceCount | undefined

const decoders: Readonly<Record<FlowProtocol, Decode>> = {
  netflow5: decodeNetflow5,
  netflow9: decodeTemplated,
  ipfix: decodeTemplated,
  sflow: decodeSflow,
}

function headOf(octets: Uint8Array, receivedMs: number): Head {
  const version = u16At(octets, 0)
  if (version === 5) return head5(octets)
  if (version === 9) return head9(octets)
  if (version === 10) return headIpfix(octets)
  if (version === 0 && u32At(octets, 0) === 5) return headSflow(octets, receivedMs)
  throw new BadDatagram(`version ${version} is none of NetFlow, IPFIX or sFlow`)
}

function head5(octets: Uint8Array): Head {
  const milliseconds = Math.floor(u32At(octets, 12) / 1_000_000)
  return {
    protocol: 'netflow5',
    domain: String(u16At(octets, 20)),
    exportMs: u32At(octets, 8) * 1000 + Math.min(milliseconds, 999),
    uptimeMs: u32At(octets, 4),
    sequence: u32At(octets, 16),
    count: u16At(octets, 2),
  }
}

function head9(octets: Uint8Array): Head {
  return {
    protocol: 'netflow9',
    domain: String(u32At(octets, 16)),
    exportMs: u32At(octets, 8) * 1000,
    uptimeMs: u32At(octets, 4),
    sequence: u32At(octets, 12),
    count: 1,
  }
}

function headIpfix(octets: Uint8Array): Head {
  const length = u16At(octets, 2)
  if (length !== octets.length) throw new BadDatagram(`its length is ${length}`)
  return {
    protocol: 'ipfix',
    domain: String(u32At(octets, 12)),
    exportMs: u32At(octets, 4) * 1000,
    uptimeMs: -1,
    sequence: u32At(octets, 8),
    count: undefined,
  }
}

function headSflow(octets: Uint8Array, receivedMs: number): Head {
  const family = u32At(octets, 4)
  if (family !== 1 && family !== 2) throw new BadDatagram(`address family ${family}`)
  const width = family === 1 ? 4 : 16
  const at = 8 + width
  const agent = Buffer.from(octets.subarray(8, at)).toString('hex')
  return {
    protocol: 'sflow',
    domain: `${agent}/${u32At(octets, at)}`,
    exportMs: receivedMs,
    uptimeMs: u32At(octets, at + 8),
    sequence: u32At(octets, at + 4),
    count: 1,
  }
}

function isRestart(stream: Stream, uptimeMs: number): boolean {
  const before = stream.uptimeMs
  if (uptimeMs < 0) return false
  const restarted = before >= 0 && uptimeMs + lateUptimeMs < before
  if (restarted || uptimeMs > before) stream.uptimeMs = uptimeMs
  return restarted
}
