// The child of measures/ingest.ts: central's ingest and the series of /metrics, without a store. Says what it cost.

import { createIngest } from '../central/ingest/ingest.ts'
import { createSeriesFeed } from '../central/metrics/series-feed.ts'
import { createNodeOwners } from '../central/node-owners.ts'
import { createNodes } from '../central/nodes.ts'
import { createReporter } from '../common/reporter/mod.ts'
import { labelsDefault } from '../wire/mod.ts'

export interface IngestCost {
  readonly cpuMs: number
  readonly rssMb: number
}

const [dataDir, socket] = process.argv.slice(2) as [string, string]
const reporter = createReporter('bench', { level: 'error' })
const store = { insertSegment: async () => undefined, read: async () => [] }
const ingest = createIngest(
  { dataDir, listen: [{ path: socket }], version: 'bench', pids: () => [] },
  { store, nodes: createNodes(), owners: createNodeOwners(dataDir, reporter) },
  reporter,
)
const series = createSeriesFeed(
  { dialect: 'obi', labels: labelsDefault, seriesMax: 1000, expiryMs: 3_600_000 },
  ingest.tee,
  reporter,
)
await ingest.start()
const before = process.cpuUsage()

process.once('message', async () => {
  await ingest.settled()
  await series.settled()
  const { user, system } = process.cpuUsage(before)
  const cost: IngestCost = { cpuMs: (user + system) / 1000, rssMb: process.memoryUsage.rss() / 1e6 }
  process.send?.(cost, () => process.exit(0))
})
process.once('disconnect', () => process.exit(0))
process.send?.('ready')
