// Debian's nats-server itself as the receiver: what its stream holds is compared with the rows, also when it is killed.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { until } from '../../../common/until.fake.ts'
import { type Row, tableNamed } from '../../../wire/mod.ts'
import type { ExportConfig } from '../config.ts'
import { createExportsFake, flowRows } from '../rows.fake.ts'
import { createNatsServer, noNats } from './server.fake.ts'

const rounds = Number(process.env['WEIR_EXPORT_ROUNDS'] ?? 4)
const skip = noNats
const folder = mkdtempSync(join(tmpdir(), 'weir-export-nats-'))
let server: Awaited<ReturnType<typeof createNatsServer>>

before(async () => {
  if (skip) return
  server = await createNatsServer()
  await server.start()
})
after(async () => {
  await server?.remove()
  rmSync(folder, { recursive: true, force: true })
})

const configOf = (name: string, change: Partial<ExportConfig> = {}): ExportConfig => ({
  name,
  kind: 'nats',
  endpoint: server.url,
  batchRows: 300,
  retryMaxMs: 100,
  options: { stream: name, subject: name },
  ...change,
})

test('every row is a message with its table as subject, and the stream is made', {
  skip,
}, async () => {
  const fake = createExportsFake(join(folder, 'rows'), [configOf('rows')])
  await fake.start()
  await fake.append(flowRows(0, 700))
  await until('the rows', () => fake.exports.list()[0]?.rows === 700)
  await fake.stop()
  const found = await server.messages('rows')
  assert.equal(found.length, 700)
  const rows = found.map(({ text }) => JSON.parse(text) as Row)
  assert.deepEqual(
    rows.map((row) => row['bytes']),
    flowRows(0, 700).map((row) => row['bytes']),
  )
  assert.equal(rows[1]?.['connection_id'], String(2n ** 63n + 1n))
  assert.equal(rows[1]?.['src_address'], '10.0.0.1')
  assert.ok(found.every(({ subject, repeated }) => subject === 'rows.flows' && !repeated))
})

test('events have a subject of their own, and only the chosen fields', { skip }, async () => {
  const table = tableNamed('events')
  assert.ok(table)
  const config = configOf('events', { tables: ['events'], fields: ['kind', 'count'] })
  const fake = createExportsFake(join(folder, 'events'), [config], { table })
  await fake.start()
  const time = BigInt(Date.now()) * 1_000_000n
  await fake.append([{ time, node: 'node-a', kind: 'drop', count: 7 }])
  await until('the row', () => fake.exports.list()[0]?.rows === 1)
  await fake.stop()
  const [one] = await server.messages('events')
  assert.deepEqual(
    [one?.subject, JSON.parse(one?.text ?? '')],
    ['events.events', { kind: 'drop', count: 7 }],
  )
})

test('a server that is away is an error that says so, and nothing is lost', {
  skip,
}, async () => {
  const plain = await createNatsServer()
  const config = configOf('plain', { endpoint: 'nats://127.0.0.1:1' })
  const data = join(folder, 'plain')
  const first = createExportsFake(data, [config])
  await first.start()
  await first.append(flowRows(0, 10))
  await until('the error', () => first.exports.list()[0]?.state === 'retrying')
  assert.match(String(first.exports.list()[0]?.last_error), /refused/i)
  await first.stop()
  await plain.start()
  const second = createExportsFake(data, [{ ...config, endpoint: plain.url }])
  await second.start()
  await until('the rows', () => second.exports.list()[0]?.rows === 10)
  await second.stop()
  assert.equal((await plain.messages('plain')).length, 10)
  await plain.remove()
})

test('rows that a full stream refuses are tried again until it has all of them, each once', {
  skip,
}, async () => {
  const connection = await connect({ servers: `127.0.0.1:${server.port}` })
  const { streams } = await jetstreamManager(connection)
  await streams.add({ name: 'full', subjects: ['full.>'], discard: 'new', max_msgs: 700 })
  const config = configOf('full', { batchRows: 1_000 })
  const fake = createExportsFake(join(folder, 'full'), [config])
  await fake.start()
  await fake.append(flowRows(0, 1_000))
  await until('the refusal', () => fake.exports.list()[0]?.state === 'retrying')
  const [status] = fake.exports.list()
  assert.match(String(status?.last_error), /maximum messages exceeded/)
  assert.deepEqual([status?.rows, status?.lag_rows], [0, 1_000])
  await streams.update('full', { max_msgs: -1 })
  await until('the rows', () => fake.exports.list()[0]?.rows === 1_000)
  await fake.stop()
  await connection.close()
  const found = await server.messages('full')
  assert.deepEqual(
    found.map(({ text }) => JSON.parse(text).bytes).toSorted((a, b) => a - b),
    flowRows(0, 1_000).map(({ bytes }) => bytes),
  )
})

test(`a server that is killed ${rounds} times has every row once`, {
  skip,
  timeout: 60_000 * rounds,
}, async () => {
  const data = join(folder, 'killed')
  let fake = createExportsFake(data, [configOf('killed')])
  await fake.start()
  let rows = 0
  for (let round = 0; round < rounds; round++) {
    for (let part = 0; part < 5; part++) {
      await fake.append(flowRows(rows, 500))
      rows += 500
      if (part === 2) await server.stop('SIGKILL')
      if (part === 3 && round % 2 === 1) {
        await fake.stop()
        fake = createExportsFake(data, [configOf('killed')])
        await fake.start()
      }
    }
    await server.start()
  }
  await until('no lag', () => fake.exports.list()[0]?.lag_rows === 0, 60_000)
  await fake.stop()
  const found = await server.messages('killed')
  assert.equal(new Set(found.map(({ id }) => id)).size, found.length)
  const bytes = found.map(({ text }) => JSON.parse(text).bytes as number)
  assert.deepEqual(
    bytes.toSorted((a, b) => a - b),
    flowRows(0, rows).map((row) => row['bytes']),
  )
})
