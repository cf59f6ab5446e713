// docs/reference/metrics.md: every exported metric of flows and events, from its table.

import {
  type ExportedMetric,
  labelNames,
  labelOf,
  labelsDefault,
  metricDialects,
  metricsOfDialect,
  sidecarMetrics,
} from '../wire/mod.ts'

const introduction = `# Metrics

Generated from \`wire/model/exported-metrics.ts\` by \`npm run generate\`.

\`/metrics\` of central (the page's port) counts the whole fleet: a connection that two nodes see is in it once. \`/metrics\` of
an agent (127.0.0.1:9090) counts what its node saw, so the sum over agents has a connection between two nodes twice: take
the flows of central, and of agents their own figures (\`weir_…\`, \`process_…\`). Both also say what every stage of Weir did.

- **Format**: text 0.0.4, or OpenMetrics 1.0 for who asks for it; gzip.
- **Counters never go back.** They begin at 0 with the process; OpenMetrics says when (\`_created\`). The first scrape that shows a new
  series shows 0, so that \`increase()\` has something to begin at; with two Prometheis only one of them sees that 0.
- **Budget**: a family has at most \`metrics.series\` series. What is beyond is in one more, whose labels all say \`other\`. A label set that becomes
  twice as busy as the quietest series takes its place. Every amount is added to exactly one series.
- **Expiry**: a series to which nothing was added for \`metrics.expiry\` goes. \`weir_metrics_retired_values_total\` has what was in it: with the series that
  are shown, that is all that was ever counted.
- **Labels**: \`metrics.labels\`, of the fields below. \`weir metrics preview\` says beforehand how many series that makes.
- \`*_seconds\` of round trips has one observation per connection and interval in which the connection had news.`

export function metricsPage(): string {
  const dialects = metricDialects.flatMap((dialect) => [
    `## Dialect \`${dialect}\``,
    tableOf(metricsOfDialect(dialect)),
  ])
  const labels = labelNames.map(
    (name) =>
      `| \`${name}\` | \`${labelOf(name, 'obi')}\` | \`${labelOf(name, 'netobserv')}\` | ${labelsDefault.includes(name) ? 'yes' : ''} |`,
  )
  const parts = [
    introduction,
    ...dialects,
    '## `weir sidecar`',
    tableOf(sidecarMetrics),
    '## Labels',
    ['| field | obi | netobserv | by default |', '| --- | --- | --- | --- |', ...labels].join('\n'),
  ]
  return `${parts.join('\n\n')}\n`
}

const kinds = {
  sum: 'counter',
  count: 'counter',
  observe: 'histogram',
  open: 'gauge',
  oldest: 'gauge',
} as const

function tableOf(metrics: readonly ExportedMetric[]): string {
  const rows = metrics.map(({ name, op, parts, labels = [], help }) => {
    const fixed = parts.flatMap((part) => (part.fixed ?? []).map(([label]) => label))
    const own = [...new Set([...labels.map((label) => label.name), ...fixed])]
    const shown = own.map((label) => `\`${label}\``).join(' ')
    return `| \`${name}\` | ${kinds[op]} | ${shown} | ${help} |`
  })
  return [
    '| metric | kind | labels of its own | what |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}
