// The engine and the tally in memory say the same of every metric, over random rows with nulls, ties and hostile
// ids: 60 groups of 0 to 40 rows.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Session } from 'chdb'
import fc from 'fast-check'
import {
  appendRow,
  type Batch,
  createBatch,
  createBlockEncoder,
  createTally,
  flowMetrics,
  flowTable,
  joinTally,
  type Metric,
  type RowValues,
  tallied,
  tallyOf,
} from '../../wire/mod.ts'
import { createTableSql } from '../schema/table-sql.ts'
import { literal } from '../worker/set-statement.ts'
import type { Binder } from './binder.ts'
import { metricSelect } from './metric-sql.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-metric-'))
const session = new Session()
after(() => {
  session.close()
  rmSync(folder, { recursive: true })
})

const groupCount = 60
const rowsMax = 40

/** Values as literals: how they are bound is the worker's test. */
const inlineBinder: Binder = {
  params: {},
  bind: (type, value) => `CAST(${literal(String(value))}, '${type}')`,
  bindTime: (ns) => `fromUnixTimestamp64Nano(toInt64(${ns}), 'UTC')`,
}

const summed = Object.fromEntries(
  flowMetrics.flatMap(({ op, of }) =>
    op === 'sum' ? of.map((field) => [field.name, numberOf(field.name, field.nullable)]) : [],
  ),
)
const randomRow: fc.Arbitrary<RowValues> = fc.record({
  ...summed,
  total_bytes: fc.constantFrom(0, 1),
  total_reverse_bytes: fc.constantFrom(0, 1),
  sampling: fc.constantFrom(1, 1, 100),
  rtt_ns: fc.option(fc.constantFrom(0, 1, 2, 5_000_000, 2 ** 40)),
  end_reason: fc.constantFrom('', 'closed', 'timeout', 'refused', 'unreachable', 'abandoned'),
  connection_id: fc.constantFrom(0n, 1n, 7n, 2n ** 32n, 2n ** 64n - 1n),
})

function numberOf(name: string, nullable: true | undefined): fc.Arbitrary<number | null> {
  const value = name === 'opened' ? fc.constantFrom(0, 1) : fc.constantFrom(0, 1, 1000, 2 ** 40)
  return nullable ? fc.option(value, { freq: 2 }) : value
}

const randomGroups = fc.sample(fc.array(randomRow, { maxLength: rowsMax }), {
  numRuns: groupCount,
  seed: 3,
})

test('SQL and tally agree on every metric of random groups', () => {
  const batch = createBatch(flowTable, groupCount * rowsMax)
  for (const [group, rows] of randomGroups.entries()) {
    for (const row of rows) appendRow(batch, { ...row, src_netns: group })
  }
  load(batch)
  const metrics = byEngine()
  const seen = new Map(flowMetrics.map(({ name }) => [name, new Set<number | null>()]))
  for (const [group, rows] of randomGroups.entries()) {
    const here = inMemory(batch, group)
    const stored = metrics.get(group) ?? tallied(flowMetrics, createTally(flowMetrics))
    assert.deepEqual(here, stored, `group ${group} of ${rows.length} rows`)
    for (const [name, value] of Object.entries(here)) seen.get(name)?.add(value)
  }
  for (const [name, values] of seen) assert.ok(values.size > 2, `${name} was always the same`)
})

test('sketches are within their error, percentiles at their rank or the one before', () => {
  const sketched = byEngine(true)
  for (const [group, exact] of byEngine()) {
    const sketch = sketched.get(group)
    assert.equal(sketch?.['connections'], exact['connections'])
    const rtts = randomGroups[group]?.map((row) => row['rtt_ns']).filter((rtt) => rtt !== null)
    const sorted = (rtts as number[]).toSorted((one, other) => one - other)
    for (const { name, rank = 0 } of flowMetrics.filter(({ op }) => op === 'quantile')) {
      const truths = [sorted.length - 1, sorted.length].map((n) => sorted[Math.floor(rank * n)])
      const found = sketch?.[name] ?? null
      const isNear = (truth = Number.NaN) => Math.abs(Number(found) - truth) <= truth * 0.01 + 1
      assert.ok(sorted.length === 0 ? found === null : truths.some(isNear), `${name} of ${group}`)
    }
  }
})

/** Two halves, joined: as the groups of a fold are. */
function inMemory(batch: Batch, group: number): Record<string, number | null> {
  const netns = batch.columns['src_netns']?.values
  const add = tallyOf(flowMetrics, batch)
  const halves = [createTally(flowMetrics), createTally(flowMetrics)] as const
  for (let row = 0; row < batch.length; row++) {
    if (netns?.[row] === group) add(halves[row % 2 === 0 ? 0 : 1], row)
  }
  joinTally(halves[0], halves[1])
  return tallied(flowMetrics, halves[0])
}

const answers = new Map<boolean, ReadonlyMap<number, Record<string, number | null>>>()

function byEngine(large = false): ReadonlyMap<number, Record<string, number | null>> {
  const known = answers.get(large)
  if (known) return known
  const selects = flowMetrics.map((metric: Metric) => metricSelect(inlineBinder, metric, large))
  const sql = `SELECT f.src_netns AS _group, ${selects.join(', ')} FROM flows AS f GROUP BY _group
    SETTINGS output_format_json_quote_64bit_integers = 0`
  const rows = session
    .query(sql, 'JSONEachRow')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const answer = new Map(rows.map(({ _group, ...metrics }) => [_group, metrics]))
  answers.set(large, answer)
  return answer
}

function load(batch: Batch): void {
  const file = join(folder, 'rows.native')
  writeFileSync(file, createBlockEncoder().encode(batch))
  session.query(createTableSql(flowTable))
  session.query(`INSERT INTO flows SELECT * FROM file('${file}', 'Native')`)
}
