// GET /api/rules over the real engine: the newest report of each node, whole.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Ajv } from 'ajv'
import { appendRow, createBatch, type RowValues, ruleTable } from '../wire/mod.ts'
import { type RulesAnswer, rulesAnswer } from './contract/mod.ts'
import { range, startKnownRiver } from './known-river.fake.ts'
import { beginNs } from './known-rows.fake.ts'

let river: Awaited<ReturnType<typeof startKnownRiver>>

const at = (seconds: number) => beginNs + BigInt(seconds) * 1_000_000_000n
const eth0 = { interface: 'eth0', netns: 7, mode: 'native', program_id: 3, protect: true, rules: 2 }
const drop = { ...eth0, rank: 1, rule: 'drop from 192.0.2.0/24 label 7', action: 'drop' }
const rows: readonly RowValues[] = [
  { ...eth0, node: 'node-a', time: at(1), packets: 10 },
  { ...drop, node: 'node-a', time: at(1), label: '7', packets: 4, dropped: 4 },
  { ...eth0, node: 'node-a', time: at(1), rank: 2, rule: 'pass from 192.0.2.9/32', action: 'pass' },
  // Ten seconds later the second rule is gone.
  { ...eth0, node: 'node-a', time: at(11), packets: 30, rules: 1, confirm_by: at(60) },
  { ...drop, node: 'node-a', time: at(11), label: '7', packets: 9, dropped: 9, expires: at(90) },
  { ...eth0, node: 'node-b', time: at(2), packets: 1 },
  { ...drop, node: 'node-b', time: at(2), label: '7', shadow: true, packets: 1, dropped: 1 },
  // On the third node everything was detached.
  { ...eth0, node: 'node-c', time: at(3), packets: 5 },
  { node: 'node-c', time: at(13) },
]

before(async () => {
  river = await startKnownRiver()
  const batch = createBatch(ruleTable, rows.length)
  for (const row of rows) appendRow(batch, row)
  await river.insert(batch, 'rules')
})
after(() => river?.stop())

const figures = ({ rows: found }: RulesAnswer) =>
  found.map(
    ({ node, rank, packets, dropped, shadow }) =>
      `${node} ${rank} ${packets} ${dropped}${shadow ? ' shadow' : ''}`,
  )

test('rules: the newest report of each node; what is no longer loaded is not shown', async () => {
  const answer = await river.get<RulesAnswer>('/api/rules', range)
  const ajv = new Ajv({ strict: false, validateFormats: false })
  assert.ok(ajv.validate(rulesAnswer, answer), ajv.errorsText())
  assert.deepEqual(figures(answer), [
    'node-a 0 30 0',
    'node-a 1 9 9',
    'node-b 0 1 0',
    'node-b 1 1 1 shadow',
  ])
  assert.equal(
    answer.rows[0]?.['confirm_by'],
    new Date(Number(at(60) / 1_000_000n)).toISOString().replace(/\.\d+Z/, '.000000000Z'),
  )
  assert.equal(answer.rows[1]?.['rule'], 'drop from 192.0.2.0/24 label 7')
  assert.equal(answer.rows[1]?.['confirm_by'], null)
})

test('rules: a filter chooses among the newest report, not among older ones', async () => {
  const gone = { ...range, filter: 'rule = "pass from 192.0.2.9/32"' }
  assert.deepEqual(figures(await river.get('/api/rules', gone)), [])
  const labelled = { ...range, label: '7', node: 'node-a' }
  assert.deepEqual(figures(await river.get('/api/rules', labelled)), ['node-a 1 9 9'])
})
