// NetFlow v5: 24 octets of head, then 48 octets a record, always the same.
//
//   head     version · records · uptime ms · unix s · ns · sequence · engine · sampling (2 bits mode, 14 bits interval)
//   record   src · dst · next hop · in · out · packets · octets · first · last (uptime ms) · ports · … · protocol

import type { DatagramContext } from './datagram.ts'
import { clearRecord, setV4 } from './flow-record.ts'
import { needOctets, u16At, u32At } from './octets.ts'

const headLength = 24
const recordLength = 48

export function decodeNetflow5(context: DatagramContext): undefined {
  const { octets, stream, record, sink, clock } = context
  const records = u16At(octets, 2)
  needOctets(octets, headLength, records * recordLength)
  const sampling = u16At(octets, 22) & 0x3fff
  for (let index = 0; index < records; index++) {
    const at = headLength + index * recordLength
    clearRecord(record)
    setV4(record.src, octets, at)
    setV4(record.dst, octets, at + 4)
    record.hasSrc = true
    record.hasDst = true
    record.input = u16At(octets, at + 12)
    record.output = u16At(octets, at + 14)
    record.packets = u32At(octets, at + 16)
    record.bytes = u32At(octets, at + 20)
    record.startUptimeMs = u32At(octets, at + 24)
    record.endUptimeMs = u32At(octets, at + 28)
    record.srcPort = u16At(octets, at + 32)
    record.dstPort = u16At(octets, at + 34)
    record.tcpFlags = octets[at + 37] as number
    record.protocol = octets[at + 38] as number
    record.sampling = sampling
    sink.flow(stream, record, clock)
  }
  sink.datagram(stream, 'taken')
}
