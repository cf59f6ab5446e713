// Apache Kafka itself as the receiver; Kafka's own reader of its files says what it has.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { until } from '../../../common/until.fake.ts'
import type { ExportConfig } from '../config.ts'
import { createExportsFake, flowRows } from '../rows.fake.ts'
import { createBroker, noKafka } from './broker.fake.ts'

const rounds = Number(process.env['WEIR_EXPORT_ROUNDS'] ?? 2)
const skip = noKafka
const folder = mkdtempSync(join(tmpdir(), 'weir-export-kafka-'))
let broker: Awaited<ReturnType<typeof createBroker>>

before(async () => {
  if (skip) return
  broker = await createBroker()
  await broker.start()
})
after(async () => {
  await broker?.remove()
  rmSync(folder, { recursive: true, force: true })
})

const configOf = (name: string, options: Record<string, string> = {}): ExportConfig => ({
  name,
  kind: 'kafka',
  endpoint: broker.url,
  retryMaxMs: 200,
  options: { topic: name, ...options },
})

const untilSlow = (what: string, is: () => boolean) => until(what, is, 120_000)

test('every row is a message of JSON, and the rows of a connection are in one partition in order', {
  skip,
  timeout: 300_000,
}, async () => {
  const fake = createExportsFake(join(folder, 'rows'), [
    configOf('rows'),
    { ...configOf('zstd', { compression: 'zstd' }), fields: ['bytes'] },
  ])
  await fake.start()
  // More than one request holds, and two rows of each connection.
  const rows = flowRows(0, 1_500)
  await fake.append(rows, 500)
  await fake.append(
    rows.map((row) => ({ ...row, bytes: Number(row['bytes']) + 1 })),
    500,
  )
  await untilSlow('the rows', () => fake.exports.list().every(({ lag_rows: lag }) => lag === 0))
  await fake.stop()
  await broker.stop('SIGTERM')
  const found = broker.messages('rows.flows')
  assert.equal(found.length, 3_000)
  assert.ok(found.every(({ repeated }) => !repeated))
  const seen = new Map<string, number[]>()
  for (const { key, text } of found) {
    const { connection_id: id, bytes } = JSON.parse(text)
    assert.equal(id, key)
    seen.set(key, [...(seen.get(key) ?? []), bytes])
  }
  assert.equal(seen.size, 1_500)
  for (const [first, second] of seen.values()) assert.equal(second, Number(first) + 1)
  const chosen = broker.messages('zstd.flows').map(({ text }) => text)
  assert.deepEqual([chosen.length, Object.keys(JSON.parse(String(chosen[0])))], [3_000, ['bytes']])
  await broker.start()
})

test(`a broker that is killed ${rounds} times has every row, and what came twice is marked`, {
  skip,
  timeout: 120_000 * (rounds + 2),
}, async () => {
  const fake = createExportsFake(join(folder, 'killed'), [
    { ...configOf('killed'), batchRows: 300 },
  ])
  await fake.start()
  let rows = 0
  const delivered = () => fake.exports.list()[0]?.rows ?? 0
  for (let round = 0; round < rounds; round++) {
    const before = delivered()
    for (let part = 0; part < 5; part++) {
      await fake.append(flowRows(rows, 500))
      rows += 500
      // In the middle: some batches of this round are there, others are not.
      if (part === 2) await untilSlow('some rows of this round', () => delivered() > before)
      if (part === 2) await broker.stop('SIGKILL')
    }
    await broker.start()
  }
  await untilSlow('no lag', () => fake.exports.list()[0]?.lag_rows === 0)
  await fake.stop()
  await broker.stop('SIGTERM')
  const found = broker.messages('killed.flows')
  assert.equal(new Set(found.map(({ key }) => key)).size, rows)
  const unmarked = found.filter(({ repeated }) => !repeated).map(({ key }) => key)
  assert.equal(new Set(unmarked).size, unmarked.length, 'a row came twice and is not marked')
})
