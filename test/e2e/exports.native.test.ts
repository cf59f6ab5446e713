// A whole `weir up` with an export to a real PostgreSQL: both central and the database are killed while connections
// are made, and in the end the database has what the store has, row by row.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createCluster, noPostgres } from '../../central/export/postgresql/cluster.fake.ts'
import { type JsonRow, type River, withRiver } from '../river.ts'
import { until } from '../traffic/mod.ts'

const rounds = 3
const perRound = 15

test('what the store has is in PostgreSQL, once, after kills of both', {
  skip: noPostgres,
  timeout: 170_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-exports-'))
  const cluster = await createCluster()
  await cluster.start()
  const file = join(folder, 'weir.yaml')
  writeFileSync(
    file,
    `exports:\n  - { name: pg, kind: postgresql, dsn: "${cluster.dsn}", retry_max: 200ms, rows: all }\n`,
  )
  const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    await withRiver({ args: ['--config', file] }, async (river) => {
      for (let round = 0; round < rounds; round++) {
        for (let index = 0; index < perRound; index++) await talk(port)
        if (round === 0) await cluster.kill()
        if (round === 1) await river.kill('central')
        if (round === 1) await cluster.start()
      }
      const ids = await until('every connection in the store', async () => {
        const rows = await flowsOf(river, port)
        const ended = new Set(
          rows.filter(({ end }) => end !== null).map((row) => row['connection_id']),
        )
        return ended.size === rounds * perRound && rows.map(keyOf).toSorted()
      })
      const sql = `SELECT connection_id || ' ' || bytes || ' ' || reverse_bytes || ' ' || state FROM flows WHERE dst_port = ${port}`
      const there = () => cluster.sql(sql).split('\n').toSorted()
      await until('every row in PostgreSQL', () => there().length >= ids.length)
      assert.deepEqual(there(), ids)
      const exported = await (await fetch(`${river.base}/api/exports`)).json()
      const [status] = (exported as { rows: JsonRow[] }).rows
      assert.equal(status?.['state'], 'ok')
      assert.equal(status?.['lost_rows'], 0)
      assert.doesNotMatch(JSON.stringify(exported), /secret/)
    })
  } finally {
    server.close()
    await cluster.remove()
    rmSync(folder, { recursive: true, force: true })
  }
})

/** A central that is just killed is asked again. */
async function flowsOf(river: River, port: number): Promise<readonly JsonRow[]> {
  try {
    return await river.flows({ dst_port: port })
  } catch {
    return []
  }
}

const keyOf = ({ connection_id: id, bytes, reverse_bytes: back, state }: JsonRow) =>
  `${id} ${bytes} ${back} ${state}`

async function talk(port: number): Promise<void> {
  const client = connect(port, '127.0.0.1')
  client.resume()
  await once(client, 'close')
}
