import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foldedGroups } from './local-fold.ts'

const group = (dst: string, port: number, ...ids: string[]) => ({
  fields: { dst_process: dst, dst_port: port },
  connections: new Set(ids),
})
const by = ['dst_process', 'dst_port']

test('ports that one connection each used become one group of their edge', () => {
  const groups = [
    group('ftpd', 40_001, 'a'),
    group('ftpd', 40_002, 'b'),
    group('ftpd', 40_003, 'c', 'd'), // two connections: a service
    group('ftpd', 21, 'e'), // not ephemeral
    group('rpc', 40_004, 'f'), // alone in its edge
  ]
  const shown = foldedGroups(groups, by)
  assert.deepEqual(
    shown.map(({ fields, parts }) => [fields['dst_process'], fields['dst_port'], parts.length]),
    [
      ['ftpd', 40_003, 1],
      ['ftpd', 21, 1],
      ['rpc', 40_004, 1],
      ['ftpd', null, 2],
    ],
  )
  assert.equal(shown.at(-1)?.fields['folded_ports'], 2)
})

test('a port that two sources used is a service', () => {
  const from = (src: string, id: string) => ({
    fields: { src_process: src, dst_port: 50_000 },
    connections: new Set([id]),
  })
  const groups = [from('a', '1'), from('b', '2')]
  assert.equal(foldedGroups(groups, ['src_process', 'dst_port']).length, 2)
})
