// What the decoders of all protocols share: a datagram as they see it, and where its flows go.

import type { FlowRecord } from './flow-record.ts'
import type { ExportClock, Source, Stream, Streams } from './streams.ts'

/** What becomes of the decoded, and of what could not be. */
export interface FlowSink {
  /** The record is used again for the next one. */
  flow(stream: Stream, record: FlowRecord, clock: ExportClock): void
  /** Records that describe no flow: options, counters of interfaces, events of a NAT. */
  notFlows(stream: Stream, records: number): void
  /** Data sets whose template did not come in time. */
  withoutTemplate(stream: Stream, sets: number): void
  /** A device's own count of samples that it had to leave out. */
  notSampled(stream: Stream, samples: number): void
  /** One datagram, and what it was. */
  datagram(stream: Stream, verdict: 'taken' | 'duplicate' | 'bad_datagram'): void
  /** It belongs to nobody: not of these protocols, or there are too many exporters. */
  refused(source: Source, cause: 'bad_datagram' | 'streams_full', what: string): void
  /** Numbers of the sequence that never came: records (v5, IPFIX) or datagrams. */
  missing(stream: Stream, numbers: number): void
}

/** How a protocol's decoder sees the datagram. */
export interface DatagramContext {
  readonly octets: Uint8Array
  readonly stream: Stream
  readonly streams: Streams
  readonly record: FlowRecord
  readonly sink: FlowSink
  readonly clock: ExportClock
}
