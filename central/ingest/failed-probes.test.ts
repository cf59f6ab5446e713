// What is known of a node's probes follows the reports of its agent.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createReporter } from '../../common/reporter/mod.ts'
import { until } from '../../common/until.fake.ts'
import { programTable } from '../../wire/mod.ts'
import { createNodeOwners } from '../node-owners.ts'
import { createNodes } from '../nodes.ts'
import { connectFake } from './agent.fake.ts'
import { createIngest } from './ingest.ts'
import { createFakeStore } from './store.fake.ts'

test('probes that an agent could not open are those of its last report', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'weir-failed-probes-'))
  const reporter = createReporter('ingest', { level: 'silent' })
  const path = join(dataDir, 'ingest.sock')
  const nodes = createNodes()
  const ingest = createIngest(
    { dataDir, listen: [{ path }], version: '1', pids: () => [] },
    { store: createFakeStore(), nodes, owners: createNodeOwners(dataDir, reporter) },
    reporter,
  )
  await ingest.start()
  const agent = connectFake({ path })
  const report = async (sequence: number, states: Readonly<Record<string, string>>) => {
    const time = BigInt(Date.now()) * 1_000_000n
    const rows = Object.entries(states).flatMap(([probe, state]) =>
      ['one', 'two'].map((program) => {
        const reason = state === 'ready' ? '' : `${probe} is ${state}`
        return { time, node: 'node-1', probe, program, state, reason }
      }),
    )
    const before = agent.acked.length
    agent.sendFrame(sequence, rows, { table: programTable })
    await until('the ACK', () => agent.acked.length > before)
    return nodes.list()[0]?.failedProbes
  }
  try {
    const failed = await report(1, { socket: 'failed', drop: 'ready', flow: 'off' })
    assert.deepEqual(failed, [{ probe: 'socket', reason: 'socket is failed' }])
    assert.deepEqual(await report(2, { socket: 'ready', drop: 'ready' }), [])
    assert.deepEqual(await report(1, { socket: 'failed' }), [], 'what is sent again is older')
  } finally {
    agent.close()
    await ingest.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
})
