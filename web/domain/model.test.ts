/// <reference types="node" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fieldsOf } from '../../api/contract/mod.ts'
import type { FieldInfo, Values } from '../data/contract.ts'
import { lineLabel, modelOf } from './model.ts'

const answer = fieldsOf()
const { flows, metrics } = modelOf(answer)

const row: Values = Object.fromEntries(flows.fields.map(({ name }) => [name, `${name} 1`]))

test('rows are told apart by time and every field of the identity, and by no other field', () => {
  const identity = answer.tables.find(({ name }) => name === 'flows')?.identity ?? []
  assert.ok(identity.includes('observer') && identity.includes('src_netns'))
  const telling = flows.fields
    .filter(({ name }) => flows.keyOf({ ...row, [name]: 'other' }) !== flows.keyOf(row))
    .map(({ name }) => name)
  assert.deepEqual(telling.sort(), ['time', ...identity].sort())
})

test('before the answer is here, a name is its label and the whole row is its key', () => {
  const before = modelOf(undefined)
  assert.equal(before.metrics.labelOf('total'), 'total')
  assert.deepEqual(before.flows.fields, [])
  assert.notEqual(before.flows.keyOf(row), before.flows.keyOf({ ...row, unit: 'other' }))
  assert.equal(before.flows.keyOf(row), before.flows.keyOf({ ...row }))
})

test('labels and helps are those of the model', () => {
  assert.equal(metrics.labelOf('total'), 'Traffic')
  assert.equal(flows.labelOf('rtt_ns'), 'RTT')
  assert.match(flows.helpOf('rtt_ns'), /round-trip time/)
  assert.equal(flows.labelOf('no_such_field'), 'no_such_field')
})

test('each field of a row is in one place: an end, a direction, or alone', () => {
  const twins = [...flows.ends, ...flows.directions].flatMap(({ src, dst }) => [src, dst])
  const placed = [...twins, ...flows.single].map(({ name }) => name)
  assert.deepEqual(placed.sort(), flows.fields.map(({ name }) => name).sort())
  assert.ok(flows.fields.length > 40)
})

test('what two fields share in their labels is the label of both', () => {
  const labels = (twins: typeof flows.ends) =>
    Object.fromEntries(twins.map(({ label, src }) => [src.name, label]))
  const ends = labels(flows.ends)
  assert.equal(ends['src_process_source'], 'owner from')
  assert.equal(ends['src_address'], 'address')
  assert.equal(ends['src_node'], 'node')
  assert.deepEqual(labels(flows.directions), {
    bytes: 'bytes',
    packets: 'Packets',
    retransmits: 'Retransmits',
    tcp_flags: 'TCP flags',
    total_bytes: 'total bytes',
  })
})

test('a new pair of fields is an end or a direction by its names', () => {
  const field = (name: string, label: string): FieldInfo => ({
    ...(answer.fields[0] as FieldInfo),
    name,
    label,
  })
  const more = [
    field('src_zone', 'Source zone'),
    field('dst_zone', 'Destination zone'),
    field('marks', 'Marks'),
    field('reverse_marks', 'Marks back'),
  ]
  const { ends, directions } = modelOf({ ...answer, fields: [...answer.fields, ...more] }).flows
  assert.deepEqual([ends.at(-1)?.label, ends.at(-1)?.dst.name], ['zone', 'dst_zone'])
  assert.deepEqual(
    [directions.at(-1)?.label, directions.at(-1)?.dst.name],
    ['Marks', 'reverse_marks'],
  )
})

test('a label in a line begins small, an abbreviation does not', () => {
  assert.equal(lineLabel('Seen by'), 'seen by')
  assert.equal(lineLabel('RTT min'), 'RTT min')
  assert.equal(lineLabel('bytes'), 'bytes')
})
