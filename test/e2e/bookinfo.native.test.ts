// Bookinfo without its containers: processes with its names at addresses of their own talk as its services do. What the
// kernel saw of it goes to PostgreSQL, and the two queries of the older collector's dashboard draw its graph.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createCluster, noPostgres } from '../../central/export/postgresql/cluster.fake.ts'
import { withRiver } from '../river.ts'
import { type Lab, until, withNamespaces } from '../traffic/mod.ts'

/** Bookinfo as its documentation draws it; octets of the requests and of the answers, the largest edges first. */
const calls: readonly (readonly [source: string, target: string, asks: number, answers: number])[] =
  [
    ['ingress', 'productpage', 9_000, 90_000],
    ['productpage', 'details', 5_000, 40_000],
    ['productpage', 'reviews-v1', 4_000, 30_000],
    ['productpage', 'reviews-v2', 3_000, 20_000],
    ['productpage', 'reviews-v3', 2_000, 10_000],
    ['reviews-v2', 'ratings', 1_000, 2_000],
    ['reviews-v3', 'ratings', 500, 1_000],
  ]
const targets = new Set(calls.map(([, target]) => target))
const names = [...new Set([...calls.map(([source]) => source), ...targets])]
const addressOf = (name: string) => `10.1.0.${1 + names.indexOf(name)}`
const port = 9080

/** The queries of the dashboard, to the letter. */
function queries(): readonly string[] {
  const file = new URL('../../deploy/grafana/dashboards/postgres-map.json', import.meta.url)
  return [...readFileSync(file, 'utf8').matchAll(/"rawSql": "([^"]+)"/g)].map(([, sql]) => `${sql}`)
}

async function talk(lab: Lab): Promise<void> {
  for (const name of names) {
    await lab.run(0, 'ip', 'address', 'add', `${addressOf(name)}/32`, 'dev', 'lo')
  }
  for (const name of targets) {
    const server = await lab.peer(0, name)
    await server.must({ op: 'listen', id: 'l', address: addressOf(name), port })
  }
  for (const [index, [source, target, asks, answers]] of calls.entries()) {
    const [client, server] = [await lab.peer(0, source), await lab.peer(0, target)]
    const [mine, theirs] = [`c${index}`, `s${index}`]
    const dialled = { op: 'connect', id: mine, address: addressOf(target), port }
    await Promise.all([
      client.must({ ...dialled, bind: addressOf(source) }),
      server.must({ op: 'accept', id: theirs, listener: 'l' }),
    ])
    await Promise.all([
      client.must({ op: 'send', id: mine, bytes: asks }),
      server.must({ op: 'receive', id: theirs, bytes: asks }),
    ])
    await Promise.all([
      server.must({ op: 'send', id: theirs, bytes: answers }),
      client.must({ op: 'receive', id: mine, bytes: answers }),
    ])
    await client.must({ op: 'close', id: mine })
    await server.must({ op: 'close', id: theirs })
  }
}

test("real traffic of Bookinfo's names is its graph in the older collector's dashboard", {
  skip: noPostgres,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bookinfo-'))
  const cluster = await createCluster()
  await cluster.start()
  const file = join(folder, 'weir.yaml')
  writeFileSync(file, `exports:\n  - { name: map, kind: postgresql, dsn: "${cluster.dsn}" }\n`)
  const shown = (query: string): Record<string, unknown>[] =>
    JSON.parse(cluster.sql(`SELECT coalesce(json_agg(r), '[]') FROM (${query}) r`))
  try {
    await withNamespaces(1, async (lab) => {
      const args = ['--config', file, '--netns', lab.netns(0).path]
      await withRiver({ args }, async () => {
        await talk(lab)
        const expected = calls.map(([, , asks, answers]) => asks + answers)
        await until('every octet in PostgreSQL', () => {
          const [row] = shown(`SELECT sum(bytes + reverse_bytes) AS bytes FROM flows
            WHERE dst_port = ${port}`)
          return Number(row?.['bytes']) === expected.reduce((sum, one) => sum + one, 0)
        })
        // Of an interval that ended before the server had accepted: nobody has that end in it.
        cluster.sql("DELETE FROM flows WHERE dst_workload = '' AND bytes + reverse_bytes = 0")
        const [nodesQuery = '', edgesQuery = ''] = queries()
        const nodes = shown(nodesQuery)
        const titles = new Map(nodes.map(({ id, title }) => [id, title]))
        assert.deepEqual([...titles.values()].toSorted(), names.toSorted())
        for (const { title, mainstat } of nodes) assert.equal(mainstat, addressOf(String(title)))
        const edges = shown(edgesQuery)
        assert.deepEqual(
          edges.map(({ source, target, bytes }) => [
            titles.get(source),
            titles.get(target),
            Number(bytes),
          ]),
          calls.map(([source, target, asks, answers]) => [source, target, asks + answers]),
          'the largest first',
        )
        const thickness = edges.map((edge) => Number(edge['thickness']))
        assert.deepEqual(
          thickness,
          thickness.toSorted((a, b) => b - a),
        )
        assert.equal(new Set(thickness).size, thickness.length)
      })
    })
  } finally {
    await cluster.remove()
    rmSync(folder, { recursive: true, force: true })
  }
})
