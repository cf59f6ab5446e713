// Rows of interfaces lie in the same table as those of sockets: no question that does not ask for them is changed by them.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { appendRow, createBatch, flowTable } from '../wire/mod.ts'
import type { GraphAnswer, RowsAnswer, SeriesAnswer, TopAnswer } from './contract/mod.ts'
import { type Parameters, range, startKnownRiver } from './known-river.fake.ts'
import { beginNs } from './known-rows.fake.ts'

const packets = 40

let river: Awaited<ReturnType<typeof startKnownRiver>>
/** Answers before there were any rows of interfaces. */
let alone: Awaited<ReturnType<typeof answers>>

before(async () => {
  river = await startKnownRiver()
  alone = await answers()
  await river.insert(passage(), 'flows')
})
after(() => river?.stop())

/** One connection over a bridge: each interface carried all of it, one of them counts. */
function passage() {
  const batch = createBatch(flowTable, 2)
  const row = {
    time: beginNs + 65_000_000_000n,
    node: 'node-a',
    view: 'interface',
    observer: 'transit',
    protocol: 'udp',
    src_process: 'curl',
    connection_id: 4n,
    bytes: 1_000_000,
    packets,
    opened: 1,
    path: ['veth1', 'br0'],
  }
  appendRow(batch, { ...row, interface: 'veth1', direction: 'received', counted: true })
  appendRow(batch, { ...row, interface: 'br0', direction: 'received', counted: false })
  return batch
}

async function answers() {
  const ask = <A>(path: string, parameters: Parameters) =>
    river.get<A>(path, { ...range, ...parameters })
  const [flows, open, top, graph, series] = await Promise.all([
    ask<RowsAnswer>('/api/flows', { limit: 10_000 }),
    ask<RowsAnswer>('/api/flows', { open: 'true', limit: 10_000 }),
    ask<TopAnswer>('/api/top', { by: ['src_process', 'interface'] }),
    ask<GraphAnswer>('/api/graph/data', {}),
    ask<SeriesAnswer>('/api/series', { step: '10m' }),
  ])
  return {
    flows: flows.rows,
    open: open.rows,
    top: [top.rows, top.totals],
    graph,
    series: [series.rows, series.totals],
  }
}

test('rows of interfaces change no list, sum, map or series that does not ask for them', async () => {
  const now = await answers()
  for (const name of ['flows', 'open', 'top', 'graph', 'series'] as const) {
    assert.deepEqual(now[name], alone[name], name)
  }
})

test('who asks for interfaces gets them: all rows in lists, each packet once in sums', async () => {
  const { rows } = await river.get<RowsAnswer>('/api/flows', { ...range, view: 'interface' })
  assert.deepEqual(rows.map((row) => [row['interface'], row['counted'], row['path']]).toSorted(), [
    ['br0', false, ['veth1', 'br0']],
    ['veth1', true, ['veth1', 'br0']],
  ])
  for (const asked of [{ view: 'interface' }, { filter: 'view = interface' }]) {
    const top = await river.get<TopAnswer>('/api/top', { ...range, by: 'protocol', ...asked })
    assert.equal(top.totals['packets'], packets)
  }
})

test('each interface has carried all that it has carried, however many others did', async () => {
  const asked = { ...range, view: 'interface' }
  const { rows } = await river.get<TopAnswer>('/api/top', { ...asked, by: 'interface' })
  assert.deepEqual(rows.map((row) => [row['interface'], row['packets']]).toSorted(), [
    ['br0', packets],
    ['veth1', packets],
  ])
  const one = await river.get<TopAnswer>('/api/top', { ...asked, by: 'node', interface: 'br0' })
  assert.equal(one.totals['packets'], packets)
})
