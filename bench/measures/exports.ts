// What exports cost: rows a second from the journal to the receiver, and CPU seconds of this process per million rows.

import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ExportConfig } from '../../central/export/config.ts'
import { createCluster, noPostgres } from '../../central/export/postgresql/cluster.fake.ts'
import { blocksOf, createExportsFake, flowRows } from '../../central/export/rows.fake.ts'
import { flowTable } from '../../wire/mod.ts'
import type { Finding, Measure, Plan } from '../finding.ts'

export const exports: Measure = { name: 'exports', run: measureExports }

async function measureExports({ quick }: Plan): Promise<readonly Finding[]> {
  const rows = quick ? 2_000 : 200_000
  const findings: Finding[] = []
  if (!noPostgres) {
    const cluster = await createCluster()
    await cluster.start()
    try {
      findings.push(
        ...(await measure({ name: 'pg', kind: 'postgresql', endpoint: cluster.dsn }, rows)),
      )
    } finally {
      await cluster.remove()
    }
  }
  const collector = createServer((request, response) => {
    request.resume().once('end', () => response.end())
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  const otlp = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
  const options = { protocol: 'http/protobuf', compression: 'none' }
  findings.push(...(await measure({ name: 'otlp', kind: 'otlp', endpoint: otlp, options }, rows)))
  collector.close()
  const sink = createSocket('udp4')
  await new Promise<void>((resolve) => sink.bind(0, '127.0.0.1', resolve))
  const endpoint = `udp://127.0.0.1:${sink.address().port}`
  findings.push(...(await measure({ name: 'ipfix', kind: 'ipfix', endpoint }, rows)))
  sink.close()
  return findings
}

async function measure(config: ExportConfig, rows: number): Promise<readonly Finding[]> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-exports-'))
  const end = BigInt(Date.now()) * 1_000_000n
  const segmentRows = Math.min(rows, 20_000)
  const octets = blocksOf(flowTable, flowRows(0, segmentRows, { end, node: 'bench' }), 2_000)
  const segment = { octets, rows: segmentRows, nodeRows: { bench: segmentRows } }
  const fake = createExportsFake(folder, [config])
  try {
    await fake.start()
    await fake.append(flowRows(0, 1))
    while (fake.exports.list()[0]?.rows !== 1) await delay(5)
    const cpu = process.cpuUsage()
    const begun = performance.now()
    for (let count = 0; count < rows; count += segmentRows) {
      await fake.appendFile(segment)
    }
    while ((fake.exports.list()[0]?.rows ?? 0) <= rows) await delay(5)
    const seconds = (performance.now() - begun) / 1000
    const used = process.cpuUsage(cpu)
    const cpuSeconds = (used.user + used.system) / 1e6
    return [
      {
        what: `${config.name}: rows a second, ${rows} rows`,
        value: String(Math.round(rows / seconds)),
      },
      {
        what: `${config.name}: CPU seconds per million rows, this process alone`,
        value: (cpuSeconds / (rows / 1e6)).toFixed(1),
      },
    ]
  } finally {
    await fake.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
