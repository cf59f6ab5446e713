// How long a scrape of 100,000 series keeps the process from everything else, and what counting a row costs.

import { metricsAnswer, metricsOf } from '../../common/exposition/mod.ts'
import {
  appendRow,
  createBatch,
  createSeriesSet,
  flowTable,
  labelsDefault,
  metricsOfDialect,
} from '../../wire/mod.ts'
import type { Finding, Measure, Plan } from '../finding.ts'
import { median } from '../statistics.ts'

export const scrape: Measure = { name: 'scrape', run: measureScrape }

const series = 100_000
const rows = 10_000
const blockedGoalMs = 50

async function measureScrape({ quick }: Plan): Promise<readonly Finding[]> {
  const [bytes] = metricsOfDialect('obi')
  const metrics = metricsOfDialect('obi').filter(({ name }) => name === bytes?.name)
  const choice = { dialect: 'obi', labels: labelsDefault, expiryMs: 3_600_000 } as const
  const set = createSeriesSet({ ...choice, metrics, seriesMax: series })
  const perRow: number[] = []
  for (let from = 0; from < series / 2; from += rows) {
    const batch = createBatch(flowTable, rows)
    for (let index = from; index < from + rows; index++) appendRow(batch, sampleRow(index))
    const begun = performance.now()
    set.take(batch, 0)
    perRow.push(((performance.now() - begun) * 1000) / rows)
  }
  const longest: number[] = []
  let octets = 0
  for (let round = 0; round < (quick ? 3 : 20); round++) {
    const scraped = await scrapeOnce(set.families(0))
    longest.push(scraped.longestMs)
    octets = scraped.octets
  }
  const blocked = median(longest)
  return [
    {
      what: `longest blocked loop of a gzip scrape of ${series} series, median of ${longest.length}, ms (${octets} octets sent)`,
      value: blocked.toFixed(1),
      goal: `<= ${blockedGoalMs}`,
      holds: blocked <= blockedGoalMs,
    },
    {
      what: 'microseconds to count a row that makes two new series, median of blocks of 10,000',
      value: median(perRow).toFixed(2),
    },
  ]
}

/** Between two turns of the loop nothing else can run: the longest of these times. */
async function scrapeOnce(families: Parameters<typeof metricsOf>[0]) {
  let longestMs = 0
  let octets = 0
  let last = performance.now()
  let running = true
  const turn = () => {
    const now = performance.now()
    longestMs = Math.max(longestMs, now - last)
    last = now
    if (running) setImmediate(turn)
  }
  setImmediate(turn)
  const { body } = metricsAnswer(metricsOf([...families]), 'gzip')
  for await (const part of body) octets += (part as Buffer).length
  running = false
  turn()
  return { longestMs, octets }
}

function sampleRow(index: number) {
  return {
    view: 'socket',
    observer: 'both',
    counted: true,
    src_namespace: 'shop-of-the-bench',
    src_workload: `workload-${index}`,
    dst_namespace: 'data-of-the-bench',
    dst_workload: `database-${index % 100}`,
    bytes: 1000 + index,
    reverse_bytes: 2000 + index,
  }
}
