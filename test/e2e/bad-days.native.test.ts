// kill -9 of every process while traffic runs: nothing acked is lost, nothing counted twice, nothing left behind.

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  alive,
  heldObjects,
  type KernelObject,
  leftObjects,
  type Role,
  spawnWeir,
  startRiver,
  withRiver,
} from '../river.ts'
import { type Lab, openPair, type Pair, until, withNamespaces } from '../traffic/mod.ts'
import { storyOf, tell } from './compare.ts'

async function openSteady(lab: Lab): Promise<Pair> {
  const [client, server] = [await lab.peer(0, 'steady-client'), await lab.peer(1, 'steady-server')]
  return openPair({ lab, name: 'steady', client, server, version: 'v4' })
}

/** Ten more kilobytes each way. */
async function trickle(pair: Pair): Promise<void> {
  await pair.forth(10_000)
  await pair.back(20_000)
}

for (const role of ['agent', 'central', 'storage'] as const satisfies readonly Role[]) {
  test(`kill -9 of ${role}: totals equal the truth afterwards`, (context) =>
    withRiver({ errors: /the storage worker died/ }, (river) =>
      withNamespaces(2, async (lab) => {
        const pair = await openSteady(lab)
        await trickle(pair)
        await until('the first row', () => storyOf(river, lab, pair.soFar()))
        const victim = await river.kill(role)
        const killedMs = performance.now()
        await trickle(pair)
        const heir = await until(`a new ${role}`, () => {
          const pid = river.pid(role)
          return pid !== undefined && pid !== victim && pid
        })
        assert.ok(alive(heir))
        await until('rows after it', async () => {
          const seen = await storyOf(river, lab, pair.soFar()).catch(() => undefined)
          return seen?.last['total_bytes'] === 20_000
        })
        const awayMs = performance.now() - killedMs
        context.diagnostic(`${role} was back after ${Math.round(awayMs)} ms`)
        await trickle(pair)
        await pair.client.close()
        await pair.server.receive()
        await pair.server.close()
        const truth = await pair.ended('closed')
        const story = await until('the end of the connection', async () => {
          const found = await storyOf(river, lab, truth).catch(() => undefined)
          return found?.end ? found : undefined
        })
        assert.deepEqual(
          [story.bytes, story.reverse_bytes, story.last['total_bytes']],
          [truth.bytes, truth.reverse_bytes, truth.bytes],
        )
        assert.equal(new Set(story.rows.map((row) => row['connection_id'])).size, 1)
        if (role === 'agent') {
          const { coverage } = await river.get('/api/flows', { from: '-5m' })
          assert.ok(coverage.gaps.length > 0, 'the gap of the agent is not shown')
        }
      }),
    ))
}

test('what closed while the agent was away is known as lost', () =>
  withRiver({}, (river) =>
    withNamespaces(2, async (lab) => {
      const pair = await openSteady(lab)
      await trickle(pair)
      await until('the first row', () => storyOf(river, lab, pair.soFar()))
      const victim = await river.kill('agent', 'SIGSTOP')
      await pair.client.close()
      await pair.server.receive()
      await pair.server.close()
      await pair.ended('closed')
      process.kill(victim, 'SIGKILL')
      const lost = await until('the loss', async () => {
        const { coverage } = await river.get('/api/flows', { from: '-5m' })
        return coverage.lost['closed_while_away']
      })
      assert.ok(lost >= 1)
    }),
  ))

test('kill -9 of the supervisor ends all, leaves nothing in the kernel, loses nothing', () =>
  withNamespaces(2, async (lab) => {
    const data = mkdtempSync(join(tmpdir(), 'weir-river-'))
    try {
      const river = await startRiver({ data })
      const pair = await openSteady(lab)
      await trickle(pair)
      const first = await until('the first row', () => storyOf(river, lab, pair.soFar()))
      const agent = river.pid('agent')!
      const pids = (['agent', 'central', 'storage'] as const).map((role) => river.pid(role)!)
      const owned = heldObjects(agent)
      assert.ok(owned.length > 0, 'the agent holds no kernel objects')
      await river.kill('supervisor')
      await until('the end of every process', () => !pids.some(alive))
      await gone(owned)
      await withRiver({ data }, async (again) => {
        await pair.client.close()
        await pair.server.receive()
        await pair.server.close()
        const truth = await pair.ended('closed')
        const story = await until('its end', async () => {
          const found = await storyOf(again, lab, truth)
          return found?.end ? found : undefined
        })
        assert.deepEqual([story.bytes, story.reverse_bytes], [truth.bytes, truth.reverse_bytes])
        assert.ok(story.rows.length > first.rows.length)
      })
    } finally {
      rmSync(data, { recursive: true, force: true })
    }
  }))

test('Ctrl-C ends all by itself and leaves nothing in the kernel', async () => {
  const data = mkdtempSync(join(tmpdir(), 'weir-river-'))
  try {
    const river = await startRiver({ data })
    const pids = (['agent', 'central', 'storage'] as const).map((role) => river.pid(role)!)
    const owned = heldObjects(pids[0]!)
    // One that has to be killed in the end has no code.
    assert.equal(await river.stop(), 0, river.output())
    assert.deepEqual(pids.filter(alive), [])
    await gone(owned)
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
})

/** The kernel frees objects a grace period after their last descriptor. */
async function gone(owned: readonly KernelObject[]): Promise<void> {
  await until('the end of the kernel objects', async () => (await leftObjects(owned)).length === 0)
}

test('a second weir up on the same data folder says so and ends', () =>
  withRiver({}, async (river) => {
    const second = spawnWeir(['up', '--data', river.data, '--listen', '127.0.0.1:0'])
    const code = await second.ended
    assert.notEqual(code, 0)
    assert.match(
      second.output(),
      new RegExp(`${river.data}.*(in use|used)|(in use|used).*${river.data}`, 's'),
    )
    assert.ok((await fetch(`${river.base}/health`)).ok)
    assert.ok(existsSync(river.data))
  }))

test('what was stored is there after a restart', () =>
  withNamespaces(2, async (lab) => {
    const data = mkdtempSync(join(tmpdir(), 'weir-river-'))
    try {
      const pair = await openSteady(lab)
      const count = await withRiver({ data }, async (river) => {
        await trickle(pair)
        const story = await until('the first row', async () => {
          const found = await storyOf(river, lab, pair.soFar())
          return found?.last['total_bytes'] === 10_000 ? found : undefined
        })
        return story.rows.length
      })
      await withRiver({ data }, async (river) => {
        const rows = await river.flows({ src_netns: lab.netns(0).inode })
        assert.ok(rows.length >= count)
        await trickle(pair)
        await until('the rest', async () => {
          const found = await storyOf(river, lab, pair.soFar())
          return found && tell(found.rows).last['total_bytes'] === 20_000
        })
      })
    } finally {
      rmSync(data, { recursive: true, force: true })
    }
  }))
