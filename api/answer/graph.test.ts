// A map that is too large is folded, and no byte of it is lost.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Graph, graphOf } from './graph.ts'

const edge = (src: string, dst: string, total: number) => ({
  src_namespace: '',
  src_workload: src,
  dst_namespace: dst === '' ? '' : 'shop',
  dst_workload: dst,
  total,
  opened: 1,
  failed: 0,
})

const bytesOf = ({ edges }: Graph) => edges.reduce((sum, one) => sum + one.detail__bytes, 0)

test('edges and nodes have the names of the panel; a side without a workload is outside', () => {
  const { nodes, edges } = graphOf(
    [edge('web', 'db', 1500), edge('web', '', 5)],
    totalsOf(2, 1505),
    10,
  )
  assert.deepEqual(
    nodes.map(({ id, title, subTitle, mainStat }) => [id, title, subTitle, mainStat]),
    [
      ['web', 'web', '', '1.50 kB'],
      ['shop/db', 'db', 'shop', '1.50 kB'],
      ['outside', 'outside', '', '5 B'],
    ],
  )
  assert.deepEqual(
    edges.map(({ source, target, thickness }) => [source, target, thickness]),
    [
      ['web', 'shop/db', 10],
      ['web', 'outside', 3],
    ],
  )
})

const totalsOf = (opened: number, total: number) => ({ total, opened, failed: 0 })

test('beyond the limit the smallest nodes are one, and beyond the rows the rest of the totals is there too', () => {
  const rows = Array.from({ length: 5000 }, (_, index) => edge(`w${index}`, 'db', index + 1))
  const sum = (5000 * 5001) / 2
  const graph = graphOf(rows, totalsOf(5100, sum + 77), 1500)
  assert.equal(graph.nodes.length, 1500)
  assert.equal(bytesOf(graph), sum + 77)
  const ids = new Set(graph.nodes.map(({ id }) => id))
  assert.ok(ids.has('other') && ids.has('w4999') && !ids.has('w0'))
  for (const { source, target } of graph.edges) assert.ok(ids.has(source) && ids.has(target))
})
