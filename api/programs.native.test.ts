// GET /api/programs over the real engine: the last row of each program and node.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Ajv } from 'ajv'
import { appendRow, createBatch, eventTable, programTable, type RowValues } from '../wire/mod.ts'
import { type ProgramsAnswer, programsAnswer } from './contract/mod.ts'
import { range, startKnownRiver } from './known-river.fake.ts'
import { beginNs, endNs } from './known-rows.fake.ts'

let river: Awaited<ReturnType<typeof startKnownRiver>>

const at = (seconds: number) => beginNs + BigInt(seconds) * 1_000_000_000n
const ready = { probe: 'socket', program: 'socket_state', state: 'ready', program_id: 7 }
const rows: readonly RowValues[] = [
  { ...ready, time: at(1), node: 'node-a', runs: 10 },
  { ...ready, time: at(61), node: 'node-a', runs: 25, run_time_ns: 900, map_bytes: 4096 },
  { ...ready, time: at(2), node: 'node-b', program: 'socket_send', state: 'off', reason: 'old' },
  { ...ready, time: at(2), node: 'node-b', runs: 3 },
  { ...ready, time: at(1), node: 'node-a', probe: 'other', program: 'socket_state', runs: 1 },
]

before(async () => {
  river = await startKnownRiver()
  const batch = createBatch(programTable, rows.length)
  for (const row of rows) appendRow(batch, row)
  await river.insert(batch, 'programs')
})
after(() => river?.stop())

const figures = ({ rows: found }: ProgramsAnswer) =>
  found.map(({ node, probe, program, runs }) => `${node} ${probe} ${program} ${runs}`)

test('programs: the last row of each program and node, whatever was reported before', async () => {
  const answer = await river.get<ProgramsAnswer>('/api/programs', range)
  const ajv = new Ajv({ strict: false, validateFormats: false })
  assert.ok(ajv.validate(programsAnswer, answer), ajv.errorsText())
  assert.deepEqual(figures(answer), [
    'node-a other socket_state 1',
    'node-a socket socket_state 25',
    'node-b socket socket_send 0',
    'node-b socket socket_state 3',
  ])
  const state = answer.rows[1]
  assert.deepEqual([state?.['run_time_ns'], state?.['map_bytes']], [900, 4096])
  assert.ok(answer.coverage.share !== null)
})

test('programs: filters are those of its own table', async () => {
  const off = { ...range, state: 'off' }
  const answer = await river.get<ProgramsAnswer>('/api/programs', off)
  assert.deepEqual(figures(answer), ['node-b socket socket_send 0'])
  const one = { ...range, node: 'node-a', filter: 'probe = "socket"' }
  assert.deepEqual(figures(await river.get('/api/programs', one)), [
    'node-a socket socket_state 25',
  ])
})

test('programs: the keys of the eBPF network monitor were those of its agent, not of its aggregator', async () => {
  const minute = 60_000_000_000n
  const given: readonly (RowValues & { readonly ago: bigint })[] = [
    { ago: 1n, kind: 'drop', node: 'node-a' },
    { ago: 2n, kind: 'drop', node: 'node-b' },
    { ago: 3n, kind: 'connection', phase: 'attempt', observer: 'src', node: 'node-a' },
    { ago: 4n, kind: 'connection', phase: 'attempt', observer: 'src', node: 'node-a' },
    { ago: 4n, kind: 'connection', phase: 'closed', observer: 'src', node: 'node-a' },
    { ago: 11n, kind: 'connection', phase: 'attempt', observer: 'src', node: 'node-a' },
  ]
  const batch = createBatch(eventTable, given.length)
  for (const { ago, ...event } of given) {
    appendRow(batch, { ...event, time: endNs - ago * minute, count: 1 })
  }
  await river.insert(batch, 'events')
  const answer = await river.get<ProgramsAnswer>('/api/programs', range)
  assert.deepEqual([answer.total_count, answer.total_agents, answer.total_programs], [4, 2, 4])
  assert.deepEqual(
    answer.connected_agents.map((agent) => [agent.node_name, agent.event_count, agent.programs]),
    [
      ['node-a', 3, ['socket_state', 'socket_state']],
      ['node-b', 1, ['socket_send', 'socket_state']],
    ],
  )
  assert.deepEqual(
    answer.all_programs.map(({ node, name, status, event_count: events }) => [
      ...[node, name],
      ...[status, events],
    ]),
    [
      ['node-a', 'socket_state', 'active', 0],
      ['node-a', 'socket_state', 'active', 2],
      ['node-b', 'socket_send', 'inactive', 0],
      ['node-b', 'socket_state', 'active', 0],
    ],
  )
})
