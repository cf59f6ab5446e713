// Ephemeral responder ports in /api/top over the real engine: what folds, what must not, and that no byte
// goes astray.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Ajv } from 'ajv'
import { rfc3339 } from '../common/mod.ts'
import { appendRow, type Batch, createBatch, flowTable, type Row } from '../wire/mod.ts'
import { type TopAnswer, topAnswer } from './contract/mod.ts'
import { startKnownRiver } from './known-river.fake.ts'
import { beginNs } from './known-rows.fake.ts'

const ajv = new Ajv({ strict: false, formats: { 'date-time': true } })
const day = 86_400_000_000_000n
const range = { from: rfc3339(beginNs - 2n * day), to: rfc3339(beginNs - day) }
const by = ['src_process', 'dst_process', 'dst_port']

interface Connection {
  readonly from: string
  readonly to: string
  readonly port: number
  readonly rows?: number
}

const closing = Array.from({ length: 300 }, (_, i) => ({
  from: 'ab',
  to: 'closing-server',
  port: 33_000 + i,
  rows: 1 + (i % 3),
}))

const connections: readonly Connection[] = [
  ...closing,
  { from: 'ab', to: 'closing-server', port: 5432 },
  { from: 'ab', to: 'closing-server', port: 32_767 },
  // Two connections: a service that happens to listen there.
  { from: 'ab', to: 'closing-server', port: 50_051 },
  { from: 'ab', to: 'closing-server', port: 50_051 },
  // One connection of each of two processes: the port was used twice.
  { from: 'ab', to: 'closing-server', port: 60_000 },
  { from: 'wrk', to: 'closing-server', port: 60_000 },
  { from: 'wrk', to: 'closing-server', port: 60_001 },
  // Alone under its `*` nothing would be won.
  { from: 'app', to: 'grpc', port: 50_051 },
  // The same port of another responder is another port.
  { from: 'ftp', to: 'ftpd', port: 33_000 },
  { from: 'ftp', to: 'ftpd', port: 33_001 },
]

function batch(): Batch {
  const all = createBatch(flowTable, 2000)
  connections.forEach(({ from, to, port, rows = 1 }, i) => {
    for (let interval = 0; interval < rows; interval++) {
      appendRow(all, {
        time: beginNs - 2n * day + BigInt(interval * 5 + 1) * 1_000_000_000n,
        node: 'node-a',
        view: 'socket',
        counted: true,
        src_process: from,
        dst_process: to,
        dst_port: port,
        src_port: 40_000,
        bytes: 1000 + i,
        reverse_bytes: 7,
        opened: interval === 0 ? 1 : 0,
        connection_id: BigInt(i + 1),
      })
    }
  })
  return all
}

let river: Awaited<ReturnType<typeof startKnownRiver>>
before(async () => {
  river = await startKnownRiver()
  await river.insert(batch(), 'flows')
})
after(() => river?.stop())

async function top(parameters: Record<string, string | number | readonly string[]> = {}) {
  const answer = await river.get<TopAnswer>('/api/top', {
    ...range,
    by,
    limit: 10_000,
    ...parameters,
  })
  assert.ok(ajv.validate(topAnswer, answer), ajv.errorsText())
  return answer
}

const edgeOf = (row: Row) =>
  `${row['src_process']} → ${row['dst_process']}:${row['dst_port'] ?? '*'} ${row['folded_ports'] ?? ''}`.trim()

const edges = [
  'ab → closing-server:* 300',
  'ab → closing-server:32767',
  'ab → closing-server:50051',
  'ab → closing-server:5432',
  'ab → closing-server:60000',
  'app → grpc:50051',
  'ftp → ftpd:* 2',
  'wrk → closing-server:60000',
  'wrk → closing-server:60001',
]

test('ephemeral responder ports do not flood the edges: 300 of them are one, and counted', async () => {
  const answer = await top()
  assert.deepEqual(answer.rows.map(edgeOf).toSorted(), edges)
  assert.equal(answer.totals.groups, edges.length)
  assert.equal(answer.totals.folded_ports, 302)
})

test('a fold hides no byte and no connection, and can be opened', async () => {
  const folded = await top()
  const open = await top({ fold: 'none' })
  assert.equal(open.rows.length, folded.rows.length - 2 + 302)
  assert.ok(open.rows.every((row) => !('folded_ports' in row) && row['dst_port'] !== null))
  assert.equal(open.totals.folded_ports, 0)
  const { groups: _, folded_ports: __, ...sums } = folded.totals as Row
  const { groups: ___, folded_ports: ____, ...openSums } = open.totals as Row
  assert.deepEqual(sums, openSums)
  const star = folded.rows.find((row) => row['folded_ports'] === 300) as Row
  const truth = closing.reduce((total, { rows }, i) => total + rows * (1000 + i), 0)
  assert.deepEqual([star['bytes'], star['connections'], star['opened']], [truth, 300, 300])
})

test('who asks for a port sees it, and groups without dst_port are as they were', async () => {
  const one = await top({ dst_port: 33_000 })
  assert.deepEqual(one.rows.map(edgeOf).toSorted(), [
    'ab → closing-server:33000',
    'ftp → ftpd:33000',
  ])
  const ports = await top({ by: 'dst_port', order: 'dst_port' })
  assert.deepEqual(
    ports.rows.map((row) => row['dst_port']),
    [5432, 32_767, 33_000, 33_001, 50_051, 60_000, null],
    'port 33000 of two responders was used twice, as far as the port alone says',
  )
  const ends = await top({ by: ['src_process', 'dst_process'] })
  assert.equal(ends.rows.length, 4)
  const connection = await top({ by: ['connection_id', 'dst_port'] })
  assert.equal(connection.rows.length, connections.length)
})

test('the first groups of many are the same with and without a fold elsewhere', async () => {
  const few = await top({ limit: 2, order: '-connections' })
  const all = await top({ order: '-connections' })
  assert.deepEqual(few.rows, all.rows.slice(0, 2))
  assert.equal(few.rows[0]?.['folded_ports'], 300)
  const derived = await top({ by: ['dst_process', 'dst_port', 'src_uid', 'community_id'] })
  assert.equal(
    derived.rows.reduce((total, row) => total + Number(row['opened']), 0),
    connections.length,
  )
})
