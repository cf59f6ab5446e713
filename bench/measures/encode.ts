// Rows a second that the agent's encoder turns into the block of a frame.

import { appendRow, createBatch, createBlockEncoder, flowTable } from '../../wire/mod.ts'
import type { Finding, Measure, Plan } from '../finding.ts'
import { median } from '../statistics.ts'

export const encode: Measure = { name: 'encode', run: measureEncode }

const rows = 10_000

async function measureEncode({ quick }: Plan): Promise<readonly Finding[]> {
  const batch = createBatch(flowTable, rows)
  for (let i = 0; i < rows; i++) appendRow(batch, sampleRow(i))
  const encoder = createBlockEncoder()
  const perSecond: number[] = []
  let octets = 0
  for (let round = 0; round < (quick ? 3 : 100); round++) {
    const begun = performance.now()
    octets = encoder.encode(batch).length
    perSecond.push(rows / ((performance.now() - begun) / 1000))
  }
  return [
    {
      what: `rows encoded a second, median of ${perSecond.length} blocks of ${rows} rows (${octets} octets)`,
      value: `${(median(perSecond) / 1e6).toFixed(2)} M/s`,
    },
  ]
}

function sampleRow(i: number) {
  return {
    time: 1_700_000_000_000_000_000n + BigInt(i),
    node: 'bench',
    view: 'socket',
    observer: 'both',
    protocol: 'tcp',
    src_address: `10.0.${i % 200}.${i % 250}`,
    src_port: 1024 + (i % 60_000),
    dst_address: '10.1.0.1',
    dst_port: 443,
    bytes: i * 1000,
    packets: i,
    state: 'established',
    src_process: `client${i % 50}`,
    src_pid: i,
    dst_process: 'server',
  }
}
