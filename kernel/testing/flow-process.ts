// A process inside a namespace of a test: opens the flow probe there. A line `tick` is what the agent does some times a
// second; any other is answered with the records since the last one and the counters.

import { createInterface } from 'node:readline'
import { flowRecordByte as byte, flowRecordBytes } from '../layout/flow-record.ts'
import { openFlowProbe } from '../probes/flow/flow.ts'
import type { ProbeOptions } from '../probes/spec.ts'

const probe = openFlowProbe(JSON.parse(process.argv[2] as string) as ProbeOptions)
process.stdout.write('open\n')
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'tick') {
    probe.drain(() => undefined)
    process.stdout.write('ticked\n')
    continue
  }
  const octets = probe.living.dump()
  const names = new Map(probe.interfaces().map(({ index, name }) => [index, name]))
  const records = []
  for (let at = 0; at < octets.length; at += flowRecordBytes) {
    const view = new DataView(octets.buffer, octets.byteOffset + at, flowRecordBytes)
    const wide = (offset: number) => Number(view.getBigUint64(offset, true))
    records.push({
      interface: names.get(view.getUint32(byte.interface, true)) ?? '',
      family: view.getUint8(byte.family),
      protocol: view.getUint8(byte.protocol),
      direction: view.getUint8(byte.direction),
      src_port: view.getUint16(byte.src_port, true),
      dst_port: view.getUint16(byte.dst_port, true),
      flags: view.getUint32(byte.flags, true),
      bytes: wide(byte.bytes),
      packets: wide(byte.packets),
      frames: wide(byte.frames),
    })
  }
  process.stdout.write(`${JSON.stringify({ records, counters: probe.counters() })}\n`)
}
probe.close()
