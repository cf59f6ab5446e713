import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wholeCoverage } from '../fake.ts'
import { weir } from '../run.fake.ts'

const row = {
  time: '2026-11-21T06:30:00.000000000Z',
  node: 'alpha',
  probe: 'socket',
  program: 'socket_state',
  hook: 'tp_btf/inet_sock_set_state',
  state: 'ready',
  reason: '',
  program_id: 77,
  runs: 12_345_678,
  run_time_ns: 2_000_000,
  map_bytes: 4_472_832,
}
const off = { ...row, program: 'socket_send', state: 'off', reason: 'needs Linux 6.3', runs: 0 }
const body = { rows: [row, off], next: null, coverage: wholeCoverage }

test('programs: figures are exact, one that does not run says why', async () => {
  const { out } = await weir('programs', () => ({ body }), 200)
  const [head, first, second] = out.split('\n')
  assert.match(
    head ?? '',
    /^NODE +PROBE +PROGRAM +HOOK +STATE +REASON +ID +RUNS +RUN TIME \(NS\) +MAPS \(BYTES\)$/,
  )
  assert.match(first ?? '', /^alpha +socket +socket_state .* 77 +12 345 678 +2 000 000 +4 472 832$/)
  assert.match(second ?? '', /socket_send .* off +needs Linux 6\.3 /)
})

test('programs: where the kernel counts no runs there is no zero, and what was watched is said', async () => {
  const idle = { ...row, node: 'beta', runs: 0, run_time_ns: 0 }
  const coverage = { ...wholeCoverage, watched: 0.1 }
  const { out, err } = await weir(
    'programs',
    () => ({ body: { ...body, rows: [row, idle], coverage } }),
    200,
  )
  assert.match(out, /alpha .* 12 345 678 +2 000 000 /)
  assert.match(out, /beta .* – +– +4 472 832\n/)
  assert.match(err, /coverage 100 % · watched 1 min of 15 min\n/)
})

test('programs: for programs the rows are as the API has them', async () => {
  const { out } = await weir('programs -o ndjson', () => ({ body }))
  assert.deepEqual(
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [row, off],
  )
  const { out: csv } = await weir('programs -o csv', () => ({ body }))
  assert.equal(csv.split('\n')[0], Object.keys(row).join(','))
})
