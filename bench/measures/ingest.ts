// What a row costs central without its storage: a minute of frames of a busy agent, flows and events of connections.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connectFake, frameOf } from '../../central/ingest/agent.fake.ts'
import { until } from '../../common/until.fake.ts'
import { encodeMessage, eventTable, flowTable, type RowValues } from '../../wire/mod.ts'
import type { Finding, Measure, Plan } from '../finding.ts'
import type { IngestCost } from '../ingest-process.ts'
import { median } from '../statistics.ts'

export const ingest: Measure = { name: 'ingest', run: measureIngest }

const entry = fileURLToPath(new URL('../ingest-process.ts', import.meta.url))
const frameRows = 16_384
/** A short connection that both ends report is one row of flows and four events. */
const tables = [flowTable, eventTable, eventTable, eventTable, eventTable]

async function measureIngest({ quick }: Plan): Promise<readonly Finding[]> {
  const costs: IngestCost[] = []
  const frames = quick ? tables.length : 8 * tables.length
  for (let round = 0; round < (quick ? 1 : 5); round++) costs.push(await costOf(frames))
  const perRow = costs.map(({ cpuMs }) => (cpuMs * 1000) / (frames * frameRows))
  return [
    {
      what: `CPU of central without its storage, µs per row of ${frames * frameRows}, median of ${costs.length}`,
      value: median(perRow).toFixed(2),
    },
    {
      what: 'RSS of that process',
      value: `${median(costs.map(({ rssMb }) => rssMb)).toFixed(0)} MB`,
    },
  ]
}

/** Frames come as an agent sends them, some and then a second of nothing. */
async function costOf(frames: number): Promise<IngestCost> {
  const data = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  const path = join(data, 'ingest.sock')
  const child = fork(entry, [data, path], { execArgv: ['--max-semi-space-size=4'] })
  try {
    await once(child, 'message')
    const agent = connectFake({ path })
    for (let sequence = 1; sequence <= frames; sequence++) {
      const table = tables[sequence % tables.length] as (typeof tables)[number]
      const rows = Array.from({ length: frameRows }, (_, row) => rowOf(sequence, row))
      const body = frameOf({ agent: agent.id, sequence, table }, rows)
      agent.send(encodeMessage('frame', body))
      if (sequence % tables.length === 0) await delay(1_000)
    }
    await until('all frames are acknowledged', () => agent.acked.length === frames)
    child.send('end')
    const [cost] = (await once(child, 'message')) as [IngestCost]
    agent.close()
    return cost
  } finally {
    child.kill()
    rmSync(data, { recursive: true, force: true })
  }
}

function rowOf(sequence: number, row: number): RowValues {
  const time = BigInt(Date.now()) * 1_000_000n - BigInt(row)
  const id = (BigInt(sequence * frameRows + row) * 0x9e37_79b9_7f4a_7c15n) & (2n ** 64n - 1n)
  const isEnded = row % 2 === 1
  return {
    time,
    start: time - 1_000_000_000n,
    ...(isEnded ? { end: time } : {}),
    node: 'bench',
    protocol: 'tcp',
    observer: 'src',
    src_address: '10.0.0.1',
    src_port: 1024 + (row % 60_000),
    dst_address: '10.0.0.2',
    dst_port: 9001 + (row % 8),
    src_workload: `client-${row % 4}`,
    dst_workload: 'server',
    connection_id: id,
    ...(sequence % tables.length === 0 ? flowValues(row) : { kind: 'connection', count: 1 }),
  }
}

function flowValues(row: number): RowValues {
  const sums = { bytes: 64, reverse_bytes: 256, packets: 5, reverse_packets: 4, opened: 1 }
  return { view: 'socket', counted: true, ...sums, rtt_ns: 50_000 + (row % 1000) }
}
