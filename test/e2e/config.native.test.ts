// A configuration file governs a whole `weir up`: its children, their addresses, rows and retention.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePort } from '../../common/free-port.fake.ts'
import { apiAt, spawnWeir, watching } from '../river.ts'
import { createSql, type Sql } from '../sql.ts'
import { until } from '../traffic/mod.ts'

test('weir up --config: listen, node, interval and retention are those of the file', {
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-config-'))
  const listen = `127.0.0.1:${await freePort()}`
  const metrics = `127.0.0.1:${await freePort()}`
  const file = join(folder, 'weir.yaml')
  writeFileSync(
    file,
    `data: ${folder}/data
agent: { node: named-by-file, interval: 300ms, metrics: "${metrics}" }
central: { listen: "${listen}" }
retention: { age: 20d, interval: 1s, tables: { flows: { age: 5d } } }
log: { level: warn }
`,
  )
  const beganMs = Date.now()
  const weir = spawnWeir(['up', '--config', file], { WEIR_NODE: '', WEIR_INTERVAL: '' })
  try {
    await until('weir up to be ready', () => weir.output().includes('Weir is running'), 60_000)
    assert.match(weir.output(), new RegExp(`Weir is running: http://${listen}\n`))
    const [node] = await until('the node in health', () => nodesOf(listen))
    assert.equal(node?.node, 'named-by-file')
    assert.equal(node?.interval_ms, 300)
    const river = apiAt(`http://${listen}`)
    await watching(river, beganMs)
    const port = await talkOnce()
    const rows = await until('the connection', async () => {
      const found = await river.flows({ dst_port: port })
      return found.length > 0 && found
    })
    for (const row of rows) assert.equal(row['node'], 'named-by-file')
    assert.equal((await fetch(`http://${metrics}/metrics`)).status, 200)
    assert.doesNotMatch(weir.output(), /"level":30/, 'a line of info in spite of log.level')
    await checkRetention(createSql(join(folder, 'data', 'store.sock')))
  } catch (error) {
    console.error(`--- weir up said:\n${weir.output()}---`)
    throw error
  } finally {
    weir.child.kill('SIGINT')
    await weir.ended
    rmSync(folder, { recursive: true, force: true })
  }
})

/** Rows of 10 and of 3 days ago in both tables: only flows of 10 days ago are older than their 5 days. */
async function checkRetention(sql: Sql): Promise<void> {
  const countOf = async (table: string, days: number) =>
    Number(await sql.run(`SELECT count() FROM ${table} WHERE node = 'old-${days}'`))
  const cases = [
    ['ledger', 10, 1],
    ['ledger', 3, 1],
    ['flows', 3, 1],
    ['flows', 10, 0],
  ] as const
  for (const [table, days] of cases) {
    await sql.run(
      `INSERT INTO ${table} (time, node) SELECT now() - INTERVAL ${days} DAY, 'old-${days}'`,
    )
  }
  await until('the old flows to go', async () => (await countOf('flows', 10)) === 0, 30_000)
  for (const [table, days, left] of cases) {
    assert.equal(await countOf(table, days), left, `${table} of ${days} days ago`)
  }
}

interface HealthNode {
  readonly node: string
  readonly interval_ms: number
}

async function nodesOf(listen: string): Promise<readonly HealthNode[] | undefined> {
  const health = (await (await fetch(`http://${listen}/health`)).json()) as {
    readonly nodes: readonly HealthNode[]
  }
  return health.nodes.length > 0 ? health.nodes : undefined
}

/** A connection of this process with itself; gives the port of its server. */
async function talkOnce(): Promise<number> {
  const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect(port, '127.0.0.1')
  client.resume()
  await once(client, 'close')
  server.close()
  return port
}
