// What central knows of a frame goes when its time is over, from memory and from disk; a disk that refuses ends nothing.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createReporter } from '../../common/reporter/mod.ts'
import { until } from '../../common/until.fake.ts'
import { storeError } from '../../store/errors.ts'
import { createNodeOwners } from '../node-owners.ts'
import { createNodes } from '../nodes.ts'
import { connectFake, rowOfNow } from './agent.fake.ts'
import { createIngest } from './ingest.ts'
import { createFakeStore } from './store.fake.ts'

test('a frame is known for its time, and what is known of it goes from the disk', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'weir-forgotten-'))
  const reporter = createReporter('ingest', { level: 'silent' })
  const store = createFakeStore()
  const path = join(dataDir, 'ingest.sock')
  const segments = { closeAfterMs: 10, closeRows: 1, holdMs: 0, rememberMs: 300 }
  const ingest = createIngest(
    { dataDir, listen: [{ path }], version: '1', pids: () => [], segments },
    { store, nodes: createNodes(), owners: createNodeOwners(dataDir, reporter) },
    reporter,
  )
  await ingest.start()
  const folder = join(dataDir, 'segments')
  const sidecars = () => readdirSync(folder).filter((name) => name.endsWith('.json'))
  const agent = connectFake({ path })
  try {
    agent.sendFrame(1, [rowOfNow(1)])
    await until('its row', () => store.rows('flows').length === 1)
    await until('its time to be over', () => sidecars().length === 0)
    agent.sendFrame(1, [rowOfNow(1)])
    await until('it is new again', () => store.rows('flows').length === 2)
    await until('its time to be over again', () => sidecars().length === 0)

    // What is not in the store yet is not forgotten, so that its sidecar is there to be replaced.
    store.failure = storeError('store_away', { details: { reason: 'test' } })
    agent.sendFrame(2, [rowOfNow(2)])
    await until('three ACKs', () => agent.acked.length === 3)
    const [refused = ''] = sidecars()
    rmSync(join(folder, refused))
    mkdirSync(join(folder, refused)) // cannot be removed as a file is
    store.failure = undefined
    agent.sendFrame(3, [rowOfNow(3)])
    await until('the rows of both', () => store.rows('flows').length === 4)
    await until('the time of both to be over', () => sidecars().join() === refused)
    assert.deepEqual(agent.acked, [1, 1, 2, 3])
  } finally {
    agent.close()
    await ingest.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
})
