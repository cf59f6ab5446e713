// Connections whose ends are seen at different times, because a firewall keeps one of them from ending: octets
// once, opened once, one end, both processes, whatever the agent saw first.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type River, withRiver } from '../river.ts'
import { type Lab, openPair, type Pair, until, withNamespaces } from '../traffic/mod.ts'
import { assertTrue, type Story, storyOf, whole } from './compare.ts'

const drop = `table inet held { chain input { type filter hook input priority 0;
  meta l4proto tcp tcp flags & rst == 0 counter drop; }; }`

/** What comes in to namespace `at` is dropped while `work` runs. */
async function withoutInput(lab: Lab, at: number, work: () => Promise<void>): Promise<void> {
  await lab.nft(at, drop)
  try {
    await work()
  } finally {
    await lab.run(at, 'nft', 'delete', 'table', 'inet', 'held')
  }
}

/** A connection in a namespace of its own, of which each interval has a row when it moves an octet. */
async function startClock(river: River, lab: Lab): Promise<(intervals: number) => Promise<void>> {
  const [client, server] = [await lab.peer(2, 'clock'), await lab.peer(2, 'clock-face')]
  const pair = await openPair({ lab, name: 'clock', client, server, version: 'v4' })
  let sent = 0
  return async (intervals) => {
    for (let interval = 0; interval < intervals; interval++) {
      await pair.forth(1)
      sent++
      await until('the next interval', async () => {
        const story = await storyOf(river, lab, pair.soFar())
        return story?.bytes === sent
      })
    }
  }
}

async function openTalk(lab: Lab, name: string): Promise<Pair> {
  const [client, server] = [await lab.peer(0, 'held-client'), await lab.peer(1, 'held-server')]
  const pair = await openPair({ lab, name, client, server, version: 'v4' })
  await pair.forth(1_000_000)
  await pair.back(100_000)
  await pair.settle()
  return pair
}

/** Both addresses have been seen in sockets before. */
async function showAddresses(river: River, lab: Lab): Promise<void> {
  const [client, server] = [await lab.peer(0, 'idle-client'), await lab.peer(1, 'idle-server')]
  const idle = await openPair({ lab, name: 'idle', client, server, version: 'v4' })
  await idle.forth(5)
  await until('the idle one', () => storyOf(river, lab, idle.soFar()))
}

for (const known of [false, true]) {
  const title = known ? 'known' : 'never seen before'
  test(`the last ACK is lost for intervals, the other address ${title}`, { timeout: 120_000 }, () =>
    withNamespaces(3, async (lab) => {
      await withRiver({}, async (river) => {
        const pass = await startClock(river, lab)
        if (known) await showAddresses(river, lab)
        const pair = await openTalk(lab, 'last ACK lost')
        await pair.server.shutdown()
        await pair.client.receive()
        await withoutInput(lab, 0, async () => {
          await pair.client.close()
          await pair.server.receive()
          await pair.server.close()
          await pass(5)
        })
        const truth = await pair.ended('closed')
        assertTrue(await whole(river, lab, truth), truth, 'seen from its start')
        await pass(3)
        assertTrue(await whole(river, lab, truth), truth, 'seen from its start')
      })
    }),
  )
}

test(
  'a close with octets under way names both processes and counts once',
  { timeout: 120_000 },
  () =>
    withNamespaces(3, async (lab) => {
      await withRiver({}, async (river) => {
        const pass = await startClock(river, lab)
        await showAddresses(river, lab)
        await pass(1)
        const pair = await openTalk(lab, 'octets under way')
        await pair.server.shutdown()
        await pair.client.receive()
        await withoutInput(lab, 1, async () => {
          await pair.client.send(70_000)
          await pair.client.close()
          await pass(2)
        })
        await pair.server.receive()
        await pair.server.close()
        const truth = await pair.ended('closed')
        const story = await whole(river, lab, truth)
        assertTrue(story, truth, 'seen from its start')
        // A dump that goes by descriptors does not show the client before a minute has passed.
        if (!river.output().includes('bpf_map_elem')) return
        for (const row of story.rows) assert.notEqual(row['src_process'], '', JSON.stringify(row))
      })
    }),
)

test(
  'octets of a sender that has closed are reported as the reader gets them',
  { timeout: 120_000 },
  () =>
    withNamespaces(3, async (lab) => {
      await withRiver({}, async (river) => {
        const pair = await openTalk(lab, 'slow reader')
        await pair.server.send(800_000)
        await pair.server.close()
        await until('the first row', () => storyOf(river, lab, pair.soFar()))
        await pair.client.receive(800_000)
        const open = await until('all octets, before the end', async () => {
          const story: Story | undefined = await storyOf(river, lab, pair.soFar())
          return story?.reverse_bytes === 900_000 ? story : undefined
        })
        assert.equal(open.end, undefined)
        await pair.client.close()
        const truth = await pair.ended('closed')
        assertTrue(await whole(river, lab, truth), truth, 'seen from its start')
      })
    }),
)
