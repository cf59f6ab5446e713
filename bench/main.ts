// node bench/main.ts [--quick] [--rows N] [names…]: measures what Weir costs and how right it is; a markdown table comes out.

import { parseArgs } from 'node:util'
import { type Finding, tableOf } from './finding.ts'
import { holdLock } from './lock.ts'
import { checkpoint } from './measures/checkpoint.ts'
import { drop } from './measures/drop.ts'
import { dump } from './measures/dump.ts'
import { encode } from './measures/encode.ts'
import { events } from './measures/events.ts'
import { exports } from './measures/exports.ts'
import { flow } from './measures/flow.ts'
import { follow } from './measures/follow.ts'
import { ingest } from './measures/ingest.ts'
import { carried } from './measures/interface.ts'
import { kernelTime } from './measures/kernel-time.ts'
import { maps } from './measures/maps.ts'
import { otlp } from './measures/otlp.ts'
import { connections, throughput } from './measures/overhead.ts'
import { ring } from './measures/ring.ts'
import { minute, rest, start } from './measures/river.ts'
import { scrape } from './measures/scrape.ts'
import { store } from './measures/store.ts'
import { xdp } from './measures/xdp.ts'

/** Kernel time comes first: it is no ratio, and minutes of load slow a virtual machine. */
const measures = [
  kernelTime,
  throughput,
  connections,
  follow,
  ring,
  flow,
  drop,
  carried,
  xdp,
  maps,
  dump,
  encode,
  ingest,
  checkpoint,
  start,
  rest,
  minute,
  events,
  store,
  exports,
  otlp,
  scrape,
]

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, rows: { type: 'string' } },
  allowPositionals: true,
})
const unknown = positionals.filter((name) => !measures.some((measure) => measure.name === name))
if (unknown.length > 0) {
  console.error(
    `bench: no measure ${unknown.join(', ')}; there are ${measures.map((m) => m.name).join(', ')}`,
  )
  process.exit(2)
}

const rows = values.rows === undefined ? undefined : Number(values.rows)
if (rows !== undefined && !(Number.isInteger(rows) && rows > 0)) {
  console.error(`bench: --rows ${values.rows} is no number of rows, such as 100000000`)
  process.exit(2)
}

const release = await holdLock('/tmp/weir-bench.lock')
const findings: Finding[] = []
for (const measure of measures) {
  if (positionals.length > 0 && !positionals.includes(measure.name)) continue
  console.error(`bench: ${measure.name} …`)
  findings.push(
    ...(await measure.run({ quick: values.quick, ...(rows === undefined ? {} : { rows }) })),
  )
}
release()
console.log(tableOf(findings))
process.exitCode = findings.some(({ holds }) => holds === false) && !values.quick ? 1 : 0
