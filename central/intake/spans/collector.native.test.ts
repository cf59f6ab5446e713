// The real OpenTelemetry Collector between what we send and what we take: our export goes in, and what the Collector's
// own exporters make of it (gRPC, protobuf, JSON) comes back as rows of the same connections.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { until } from '../../../common/until.fake.ts'
import type { ExportConfig } from '../../export/config.ts'
import { createCollector, noCollector, spansOf } from '../../export/otlp/collector.fake.ts'
import { createExportsFake, flowRows } from '../../export/rows.fake.ts'
import { withSpanIntake } from './span-intake.fake.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-collector-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const connections = 50
/** gRPC, protobuf, JSON. */
const ways = 3

const end = BigInt(Date.now()) * 1_000_000n
const ended = { start: end - 5_000_000n, end, end_reason: 'closed' }

for (const dialect of ['semconv', 'ebpf_receiver']) {
  test(
    `${dialect}: OTLP out and in, through the Collector, keeps every connection`,
    {
      skip: noCollector,
    },
    () =>
      withSpanIntake(async ({ grpc, http, rows }) => {
        const collector = await createCollector(join(folder, dialect), '', { grpc, http })
        await collector.start()
        const config: ExportConfig = {
          name: 'out',
          kind: 'otlp',
          endpoint: collector.grpc,
          options: { dialect, signals: 'traces' },
        }
        const fake = createExportsFake(mkdtempSync(join(folder, 'data-')), [config])
        try {
          await fake.start()
          await fake.append(flowRows(0, connections, ended))
          await until('every span, each way', () => rows.length >= ways * connections)
        } finally {
          await fake.stop()
          await collector.stop('SIGTERM')
        }
        assert.equal(rows.length, ways * connections)
        const names = ['src_address', 'src_port', 'dst_address', 'dst_port']
        const shown = (row: object) =>
          names.map((name) => (row as Record<string, unknown>)[name]).join(' ')
        const seen = Map.groupBy(rows, shown)
        assert.deepEqual(
          [...seen.keys()].toSorted(),
          flowRows(0, connections).map(shown).toSorted(),
        )
        for (const [what, some] of seen) {
          assert.equal(some.length, ways, what)
          const [first, ...others] = some
          for (const other of others) assert.deepEqual(other, first)
        }
        const ids = new Set(spansOf(collector).map(({ spanId }) => spanId))
        assert.deepEqual(new Set(rows.map((row) => row['span_id'])), ids)
      }),
  )
}
