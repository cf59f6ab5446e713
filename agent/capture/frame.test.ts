// Frames made by hand, and what is read of them; no frame, however cut or changed, ends the reader.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type FramePlan, frameOf } from '../../kernel/testing/frames.ts'
import { formatAddress } from '../../wire/mod.ts'
import { createFrameFields, readFrame } from './frame.ts'

function read(frame: Buffer, length = frame.length, isEthernet = true) {
  const fields = createFrameFields()
  readFrame(frame, length, isEthernet, fields)
  const { source, destination, ...rest } = fields
  return { ...rest, source: formatAddress(source), destination: formatAddress(destination) }
}

const six = { source: '2001:db8::1', destination: '2001:db8::2' }

test('TCP with a tag, UDP and ICMP of both families', () => {
  const tcp = read(frameOf({ protocol: 6, ports: [40_000, 443], kind: 2, vlan: 100 }))
  assert.deepEqual(
    [tcp.vlan, tcp.etherType, tcp.protocol, tcp.sourcePort, tcp.destinationPort, tcp.tcpFlags],
    [100, 0x0800, 6, 40_000, 443, 2],
  )
  assert.deepEqual([tcp.source, tcp.destination, tcp.bytes], ['10.77.0.1', '10.77.0.2', 40])
  const udp = read(frameOf({ ...six, protocol: 17, ports: [1, 53], payloadBytes: 12 }))
  assert.deepEqual(
    [udp.family, udp.source, udp.destinationPort, udp.bytes],
    [6, six.source, 53, 60],
  )
  const ping = read(frameOf({ ...six, protocol: 58, kind: 128 }))
  assert.deepEqual([ping.icmpType, ping.icmpCode, ping.sourcePort], [128, 0, -1])
})

test('extension headers are passed over, and a later fragment has no ports', () => {
  const plain = frameOf({ ...six, protocol: 17, ports: [7, 8], payloadBytes: 8 })
  const extended = (next: number, header: readonly number[]) => {
    const head = Buffer.from(plain.subarray(0, 54))
    head.writeUInt8(next, 20)
    head.writeUInt16BE(head.readUInt16BE(18) + header.length, 18)
    return Buffer.concat([head, Buffer.from(header), plain.subarray(54)])
  }
  const options = read(extended(0, [17, 0, 1, 4, 0, 0, 0, 0]))
  assert.deepEqual([options.protocol, options.destinationPort], [17, 8])
  const first = read(extended(44, [17, 0, 0, 1, 0, 0, 0, 9]))
  assert.deepEqual([first.protocol, first.destinationPort], [17, 8])
  const later = read(extended(44, [17, 0, 0, 8, 0, 0, 0, 9]))
  assert.deepEqual([later.protocol, later.destinationPort], [17, -1])
  const four = frameOf({ protocol: 17, ports: [7, 8] })
  four.writeUInt16BE(1, 20)
  assert.equal(read(four).destinationPort, -1)
})

test('what is no IP has its ethertype and its length, IP without a link header is read too', () => {
  const arp = read(Buffer.from(`0200000000020200000000010806${'00'.repeat(28)}`, 'hex'))
  assert.deepEqual([arp.etherType, arp.family, arp.bytes, arp.source], [0x0806, 0, 28, '::'])
  const bare = read(frameOf({ protocol: 6, ports: [1, 2] }).subarray(14), 40, false)
  assert.deepEqual([bare.family, bare.etherType, bare.destinationPort], [4, 0x0800, 2])
})

test('property: frames that are cut and changed are read without an error', () => {
  const plans: readonly FramePlan[] = [
    { protocol: 6, ports: [1, 2], kind: 2 },
    { ...six, protocol: 17, ports: [1, 2], vlan: 5 },
    { ...six, protocol: 58 },
  ]
  const changes = fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 6 })
  const cases = fc.tuple(fc.constantFrom(...plans), fc.nat(130), changes, fc.boolean())
  fc.assert(
    fc.property(cases, ([plan, length, changed, isEthernet]) => {
      const frame = frameOf(plan)
      for (const [at, value] of changed) if (at < frame.length) frame[at] = value
      const fields = read(frame.subarray(0, length), frame.length, isEthernet)
      assert.ok(fields.bytes >= 0)
    }),
  )
})
