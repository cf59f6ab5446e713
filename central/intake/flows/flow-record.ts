// What the decoders read of one record of an exporter, in one object that is filled again for each record.

/** One direction of a flow as an exporter reports it, or both (`reverse…`). */
export interface FlowRecord {
  /** 16 octets each, v4 as ::ffff:0:0/96. */
  readonly src: Uint8Array
  readonly dst: Uint8Array
  hasSrc: boolean
  hasDst: boolean
  srcPort: number
  dstPort: number
  /** IANA number; −1 when the record does not say. */
  protocol: number
  /** −1 when the record does not say. */
  bytes: number
  packets: number
  reverseBytes: number
  reversePackets: number
  /** As `bytes`, but since the flow began; used when there is no delta. */
  totalBytes: number
  totalPackets: number
  reverseTotalBytes: number
  reverseTotalPackets: number
  /** Milliseconds since 1970 by the exporter's clock; 0 = not known. */
  startMs: number
  endMs: number
  /** Milliseconds since the exporter's start; −1 = not known. */
  startUptimeMs: number
  endUptimeMs: number
  durationMs: number
  input: number
  output: number
  /** 0 = ingress, 1 = egress, −1 = not said. */
  direction: number
  /** Flags of all its TCP packets, as in the header; 0 = not said. */
  tcpFlags: number
  /** IPFIX flowEndReason; 0 = not said. */
  endReason: number
  /** IPFIX biflowDirection: 1 = src is the initiator, 2 = dst is; 0 = not said. */
  initiator: number
  /** One packet of so many was looked at; 0 = the record does not say. */
  sampling: number
  /** Which sampler of the exporter; −1 = not said. */
  sampler: number
  samplingSpace: number
  /** When the exporter began, by its clock; 0 = not said. */
  initMs: number
  /** Name of the interface of an option record. */
  interfaceName: string
}

export function createFlowRecord(): FlowRecord {
  return { src: new Uint8Array(16), dst: new Uint8Array(16), ...emptyRecord }
}

const emptyRecord = {
  hasSrc: false,
  hasDst: false,
  srcPort: 0,
  dstPort: 0,
  protocol: -1,
  bytes: -1,
  packets: -1,
  reverseBytes: -1,
  reversePackets: -1,
  totalBytes: -1,
  totalPackets: -1,
  reverseTotalBytes: -1,
  reverseTotalPackets: -1,
  startMs: 0,
  endMs: 0,
  startUptimeMs: -1,
  endUptimeMs: -1,
  durationMs: -1,
  input: 0,
  output: 0,
  direction: -1,
  tcpFlags: 0,
  endReason: 0,
  initiator: 0,
  sampling: 0,
  sampler: -1,
  samplingSpace: -1,
  initMs: 0,
  interfaceName: '',
}

/** Forgets the record before. */
export function clearRecord(record: FlowRecord): void {
  Object.assign(record, emptyRecord)
}

/** Puts four octets as an IPv4 address. */
export function setV4(to: Uint8Array, octets: Uint8Array, at: number): void {
  to.fill(0, 0, 10)
  to[10] = 0xff
  to[11] = 0xff
  to.set(octets.subarray(at, at + 4), 12)
}

/** Puts sixteen octets as an IPv6 address. */
export function setV6(to: Uint8Array, octets: Uint8Array, at: number): void {
  to.set(octets.subarray(at, at + 16))
}
