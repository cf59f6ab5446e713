// Two nodes that see one connection: one counts, its rows name both ends, and the choice is kept.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { StoredRow } from '../../../store/mod.ts'
import {
  appendRow,
  createBatch,
  createBlockCheck,
  createBlockEncoder,
  flowTable,
  type Row,
  type RowValues,
  readBlock,
  rowOf,
} from '../../../wire/mod.ts'
import { createResolve, type Resolve, type ResolvePart } from './resolve.ts'

const encoder = createBlockEncoder()
const check = createBlockCheck(flowTable)
const claim = { timeMin: 0n, timeMax: 2n ** 62n }

function partOf(node: string, rows: readonly RowValues[]): ResolvePart {
  const batch = createBatch(flowTable, Math.max(rows.length, 1))
  for (const row of rows)
    appendRow(batch, { time: 1n, node, view: 'socket', counted: true, ...row })
  const view = check(Uint8Array.from(encoder.encode(batch)), { rows: rows.length, ...claim })
  return { node, view }
}

async function rowsOf(resolve: Resolve, parts: readonly ResolvePart[]): Promise<Row[]> {
  const { blocks } = await resolve.parts(parts)
  return blocks.flatMap((block, index) => {
    const rows = parts[index]?.view.rows ?? 0
    assert.deepEqual(
      block,
      check(block.octets, { rows, ...claim }),
      'the view is what the check says',
    )
    const batch = readBlock(block)
    return Array.from({ length: rows }, (_, row) => rowOf(batch, row))
  })
}

function create(stored: readonly StoredRow[] = [], nowMs = () => 0): Resolve {
  return createResolve(
    {
      reader: { read: async () => stored },
      settled: async () => undefined,
      log: { error: () => undefined },
    },
    nowMs,
  )
}

const id = 18_446_744_073_709_551_615n
const mine = { connection_id: id, observer: 'src', src_process: 'curl', src_uid: 7, bytes: 5 }
const theirs = {
  connection_id: id,
  observer: 'dst',
  dst_process: 'nginx',
  dst_uid: 0,
  dst_cgroup_id: 2n ** 63n + 1n,
  dst_node: 'b',
  dst_workload: 'nginx.service',
  bytes: 5,
}
const short = (row: Row | undefined) => [
  row?.['node'],
  row?.['counted'],
  row?.['src_process'],
  row?.['dst_process'],
]

test('both halves in one segment: the initiator counts, whichever came first, and its row names both ends', async () => {
  const parts = [partOf('b', [theirs]), partOf('a', [mine])]
  const [second, first] = await rowsOf(create(), parts)
  assert.deepEqual(short(first), ['a', true, 'curl', 'nginx'])
  assert.deepEqual(short(second), ['b', false, '', 'nginx'])
  assert.deepEqual(
    ['dst_uid', 'dst_cgroup_id', 'dst_node', 'dst_workload', 'src_uid'].map(
      (name) => first?.[name],
    ),
    [0, '9223372036854775809', 'b', 'nginx.service', 7],
  )
})

test('the half that came first counts for good, a late one is said', async () => {
  const resolve = create()
  await resolve.parts([partOf('c', [])])
  const [first] = await rowsOf(resolve, [partOf('b', [theirs])])
  assert.deepEqual(short(first), ['b', true, '', 'nginx'])
  const later = [partOf('a', [mine])]
  const { late, completed } = await resolve.parts(later)
  assert.deepEqual([[...late], [...completed]], [[['b', 1]], []])
  const [third, fourth] = await rowsOf(resolve, [partOf('b', [theirs]), partOf('a', [mine])])
  assert.deepEqual(short(third), ['b', true, 'curl', 'nginx'])
  assert.deepEqual(short(fourth), ['a', false, 'curl', ''])
})

test('after a restart the node that counted goes on, and knows the far end', async () => {
  const stored = [
    { id: String(id), node: 'b', observer: 'dst', counted: 1, dst_process: 'nginx' },
    {
      id: String(id),
      node: 'a',
      observer: 'src',
      counted: 0,
      src_process: 'curl',
      src_cgroup_id: '9',
    },
  ]
  const [first, second] = await rowsOf(create(stored), [partOf('a', [mine]), partOf('b', [theirs])])
  assert.deepEqual(short(first), ['a', false, 'curl', ''])
  assert.deepEqual(short(second), ['b', true, 'curl', 'nginx'])
})

test('a store that does not answer stops no row', async () => {
  const resolve = createResolve({
    reader: { read: () => Promise.reject(new Error('away')) },
    settled: async () => undefined,
    log: { error: () => undefined },
  })
  const rows = await rowsOf(resolve, [partOf('a', [mine]), partOf('b', [theirs])])
  assert.deepEqual(
    rows.map((row) => row['counted']),
    [true, false],
  )
})

test('rows of one node, and rows that name both ends, are left octet by octet', async () => {
  const both = { ...mine, observer: 'both', dst_process: 'x' }
  const parts = [partOf('a', [both]), partOf('b', [{ ...both, connection_id: 3n }])]
  const { blocks } = await create().parts(parts)
  assert.deepEqual(
    blocks,
    parts.map(({ view }) => view),
  )
})

test('of packets that several nodes saw one node counts, those that only passed them too', async () => {
  const view = { view: 'interface', connection_id: id, packets: 3 }
  const passed = { ...view, observer: 'transit' }
  const sent = { ...view, observer: 'src', src_process: 'curl' }
  const socket = { ...theirs, packets: 3 }
  const parts = [
    partOf('router', [passed]),
    partOf('a', [
      { ...sent, counted: true },
      { ...sent, counted: false },
    ]),
    partOf('b', [socket]),
  ]
  const rows = await rowsOf(create(), parts)
  assert.deepEqual(
    rows.map((row) => [row['node'], row['view'], row['counted']]),
    [
      ['router', 'interface', false],
      ['a', 'interface', true],
      ['a', 'interface', false],
      ['b', 'socket', true],
    ],
  )
})

test('property: in whatever segments two nodes report, each interval counts once and by one node', async () => {
  const events = fc.array(
    fc.record({ node: fc.constantFrom('a', 'b'), connection: fc.integer({ min: 1, max: 4 }) }),
    { minLength: 1, maxLength: 40 },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(events, { minLength: 1, maxLength: 8 }), async (segments) => {
      const resolve = create()
      await resolve.parts([partOf('a', []), partOf('b', [])])
      const counting = new Map<string, Set<string>>()
      for (const segment of segments) {
        const parts = segment.map(({ node, connection }) =>
          partOf(node, [{ ...(node === 'a' ? mine : theirs), connection_id: BigInt(connection) }]),
        )
        for (const row of await rowsOf(resolve, parts)) {
          const key = String(row['connection_id'])
          const nodes = counting.get(key) ?? new Set()
          if (row['counted'] === true) nodes.add(String(row['node']))
          counting.set(key, nodes)
        }
      }
      for (const nodes of counting.values()) assert.ok(nodes.size <= 1)
    }),
    { numRuns: 200 },
  )
})

test('two routers that each see one direction both count; a router behind them counts nothing again', async () => {
  const [a, b] = [
    { src_address: '10.0.0.1', src_port: 40_000 },
    { dst_address: '10.0.0.2', dst_port: 443 },
  ]
  const passing = { ...a, ...b, view: 'interface', observer: 'transit', connection_id: 5n }
  const there = { ...passing, packets: 3, bytes: 300 }
  const back = { ...passing, reverse_packets: 2, reverse_bytes: 200 }
  // The same direction as `back` from an exporter that takes the other end for the initiator.
  const turned = {
    src_address: '10.0.0.2',
    src_port: 443,
    dst_address: '10.0.0.1',
    dst_port: 40_000,
  }
  const backTurned = { ...passing, ...turned, packets: 2, bytes: 200 }
  const resolve = create()
  await resolve.parts([partOf('x', []), partOf('y', [])])
  const counted = async (...parts: ResolvePart[]) =>
    (await rowsOf(resolve, parts)).map((row) => row['counted'])
  assert.deepEqual(await counted(partOf('east', [there]), partOf('west', [back])), [true, true])
  assert.deepEqual(await counted(partOf('edge', [there, back, backTurned])), [false, false, false])
  assert.deepEqual(await counted(partOf('west', [backTurned]), partOf('east', [there])), [
    true,
    true,
  ])
})

test('of two nodes with both directions one counts, whoever else has one of them', async () => {
  const both = { src_address: '10.0.0.1', dst_address: '10.0.0.2', packets: 3, reverse_packets: 2 }
  const row = { ...both, view: 'interface', observer: 'transit', connection_id: 6n }
  const resolve = create()
  await resolve.parts([partOf('x', []), partOf('y', [])])
  const parts = [partOf('a', [row]), partOf('b', [row]), partOf('c', [{ ...row, packets: 0 }])]
  const rows = await rowsOf(resolve, parts)
  assert.deepEqual(
    rows.map((one) => one['counted']),
    [true, false, false],
  )
})

test('a row with both directions counts, although another node counted one of them before', async () => {
  const ends = { src_address: '10.0.0.1', dst_address: '10.0.0.2', connection_id: 7n }
  const row = { ...ends, view: 'interface', observer: 'transit' }
  const there = { ...row, packets: 3 }
  const back = { ...row, reverse_packets: 2 }
  for (const first of [there, back]) {
    const resolve = create()
    await resolve.parts([partOf('x', []), partOf('y', [])])
    const counted = async (...parts: ResolvePart[]) =>
      (await rowsOf(resolve, parts)).map((one) => one['counted'])
    assert.deepEqual(await counted(partOf('router', [first])), [true])
    const both = { ...there, ...back }
    assert.deepEqual(await counted(partOf('host', [both])), [true])
    assert.deepEqual(await counted(partOf('router', [there, back])), [false, false])
    assert.deepEqual(await counted(partOf('other', [both])), [false])
    assert.deepEqual(await counted(partOf('host', [both])), [true])
  }
})
