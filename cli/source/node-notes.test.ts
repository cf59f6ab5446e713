// What is wrong with a node stands below every listing that shows its rows.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wholeCoverage } from '../fake.ts'
import { flowsAnswer, weir } from '../run.fake.ts'

const clock = 'the clock of alpha is 3600 s ahead: its times are corrected by that'
const nothing = { rows: [], next: null, totals: {}, step_seconds: 1, coverage: wholeCoverage }
const hostile = 'a second agent (\u001b[2J) reports as beta'

test('a clock that is off and a second agent are said below flows, top and ledger, escaped', async () => {
  for (const command of ['flows', 'top', 'ledger']) {
    const { err, exitCode } = await weir(command, (url) => {
      if (url.pathname !== '/health') return { body: nothing }
      return { body: { nodes: [{ message: clock }, { message: '' }, { message: hostile }] } }
    })
    assert.equal(exitCode, 0, command)
    const lines = err.trimEnd().split('\n').slice(-2)
    assert.deepEqual(lines, [clock, 'a second agent (\\x1b[2J) reports as beta'], command)
  }
})

test('a health that is not answered changes nothing', async () => {
  const { err, exitCode } = await weir('flows', (url) => {
    return url.pathname === '/health' ? { status: 503, body: {} } : flowsAnswer(url)
  })
  assert.equal(exitCode, 0)
  assert.match(err, /coverage 100 %\n$/)
})
