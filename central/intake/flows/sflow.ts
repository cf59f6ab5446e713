// sFlow v5 (https://sflow.org/sflow_version_5.txt): every so many packets a device sends the first octets of one.
//
//   datagram   version · agent · sub-agent · sequence · uptime ms · samples
//   sample     type · length · sequence · source · rate · pool · drops · in · out · records        (1 and 3: flows)
//   record     type · length · header of the packet (1), or its addresses (3: IPv4, 4: IPv6)

import type { DatagramContext } from './datagram.ts'
import { clearRecord, type FlowRecord, setV4, setV6 } from './flow-record.ts'
import { BadDatagram, needOctets, u32At } from './octets.ts'
import { readPacket } from './packet-header.ts'
import { newDrops } from './streams.ts'

const samplesMax = 1_000
/** header_protocol: what the octets of a packet begin with. */
const ethernet = 1
const ipv4 = 11
const ipv6 = 12

export function decodeSflow(context: DatagramContext): undefined {
  const { octets, stream, sink } = context
  const begin = u32At(octets, 4) === 1 ? 12 : 24
  const samples = u32At(octets, begin + 12)
  if (samples > samplesMax) throw new BadDatagram(`${samples} samples`)
  let at = begin + 16
  let others = 0
  for (let index = 0; index < samples; index++) {
    const type = u32At(octets, at)
    const length = u32At(octets, at + 4)
    needOctets(octets, at + 8, length)
    const content = octets.subarray(at + 8, at + 8 + length)
    if (type === 1 || type === 3) takeSample(context, content, type === 3)
    else others++
    at += 8 + length
  }
  if (others > 0) sink.notFlows(stream, others)
  sink.datagram(stream, 'taken')
}

function takeSample(context: DatagramContext, content: Uint8Array, isExpanded: boolean): void {
  const { stream, record, sink, clock } = context
  const source = isExpanded ? u32At(content, 8) : u32At(content, 4) & 0xff_ffff
  const at = isExpanded ? 12 : 8
  const rate = u32At(content, at)
  const left = newDrops(stream, source, u32At(content, at + 8))
  if (left > 0) sink.notSampled(stream, left)
  const input = isExpanded ? u32At(content, at + 16) : u32At(content, at + 12) & 0x3fff_ffff
  const outputAt = at + (isExpanded ? 24 : 16)
  const output = isExpanded ? u32At(content, outputAt) : u32At(content, outputAt) & 0x3fff_ffff
  clearRecord(record)
  if (!readPacketRecords(content, outputAt + 4, record)) {
    sink.notFlows(stream, 1)
    return
  }
  record.input = input
  record.output = output
  record.sampling = Math.max(rate, 1)
  record.packets = 1
  record.endMs = clock.receivedMs
  // A sample is taken where the packet comes in, unless its source is the interface where it leaves.
  record.direction = source !== 0 && source === output && source !== input ? 1 : 0
  sink.flow(stream, record, clock)
}

/** Whether one of the records says which packet it was; a header is preferred, because it says the length in L3. */
function readPacketRecords(content: Uint8Array, from: number, record: FlowRecord): boolean {
  const records = u32At(content, from)
  if (records > samplesMax) throw new BadDatagram(`${records} records of a sample`)
  let at = from + 4
  let isFound = false
  for (let index = 0; index < records; index++) {
    const type = u32At(content, at)
    const length = u32At(content, at + 4)
    needOctets(content, at + 8, length)
    const body = content.subarray(at + 8, at + 8 + length)
    if (type === 1 && readHeader(body, record)) return true
    if (type === 3 || type === 4) isFound = readAddresses(body, type === 3 ? 4 : 16, record)
    at += 8 + length
  }
  return isFound
}

function readHeader(body: Uint8Array, record: FlowRecord): boolean {
  const protocol = u32At(body, 0)
  const length = u32At(body, 12)
  needOctets(body, 16, length)
  const header = body.subarray(16, 16 + length)
  if (protocol === ethernet) return readPacket(header, 'ethernet', record)
  return (protocol === ipv4 || protocol === ipv6) && readPacket(header, 'ip', record)
}

/** length · protocol · src · dst · src port · dst port · … */
function readAddresses(body: Uint8Array, width: 4 | 16, record: FlowRecord): boolean {
  needOctets(body, 0, 16 + 2 * width)
  record.bytes = u32At(body, 0)
  record.protocol = u32At(body, 4)
  const put = width === 4 ? setV4 : setV6
  put(record.src, body, 8)
  put(record.dst, body, 8 + width)
  record.srcPort = u32At(body, 8 + 2 * width) & 0xffff
  record.dstPort = u32At(body, 12 + 2 * width) & 0xffff
  return true
}
