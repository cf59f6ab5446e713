// Every octet, every end and every owner, for connections older and younger than Weir, with and without loss.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { besideProcessOne } from '../../common/process-one.fake.ts'
import { type River, withRiver } from '../river.ts'
import {
  type Case,
  type Connection,
  closingCases,
  failureCases,
  type Lab,
  openPair,
  serverCases,
  until,
  withNamespaces,
} from '../traffic/mod.ts'
import { assertTrue, inodesOf, type Story, storyIn, storyOf, type When } from './compare.ts'

const versions = ['v4', 'v6', 'mapped'] as const

for (const loss of [0, 20]) {
  test(`closings between two namespaces, ${loss} per mille lost`, () =>
    withNamespaces(2, async (lab) => {
      if (loss > 0) for (const at of [0, 1]) await lab.loss(at, loss)
      await playAround(
        lab,
        versions.flatMap((version) => closingCases(version)),
      )
    }))
}

test('closings over one loopback', () =>
  withNamespaces(1, async (lab) => {
    await playAround(lab, [...closingCases('v4', 1), ...closingCases('v6', 1)])
  }))

/** Begins all cases, starts Weir, ends them, and plays them once more from begin to end. */
async function playAround(lab: Lab, cases: readonly Case[]): Promise<void> {
  const rests: Awaited<ReturnType<Case['begin']>>[] = []
  for (const one of cases) rests.push(await one.begin(lab))
  await withRiver({}, async (river) => {
    await until('the first rows', async () => {
      const rows = await river.flows({ netns: inodesOf(lab) })
      return new Set(rows.map((row) => row['connection_id'])).size >= cases.length
    })
    const older: Connection[] = []
    for (const rest of rests) older.push(...(await rest()))
    const younger: Connection[] = []
    for (const one of cases) younger.push(...(await (await one.begin(lab))()))
    await assertAll(river, lab, older, 'older than Weir')
    await assertAll(river, lab, younger, 'seen from its start')
  })
}

/** All are checked before any is complained about, so that one run shows the whole picture. */
async function assertAll(
  river: River,
  lab: Lab,
  truths: readonly Connection[],
  when: When,
): Promise<void> {
  let stories: readonly (Story | undefined)[] = []
  await until('every end in the API', async () => {
    const rows = await river.flows({ netns: inodesOf(lab), from: '-15m' })
    stories = truths.map((truth) => storyIn(rows, truth))
    return stories.every((story) => story?.last['end'])
  }).catch(() => {})
  const wrong: string[] = []
  for (const [index, truth] of truths.entries()) {
    const story = stories[index]
    try {
      assert.ok(story, `${truth.case}, ${when}: no row`)
      assertTrue(story, truth, when)
    } catch (error) {
      wrong.push(`${(error as Error).message}\n${rowsOf(story)}`)
    }
  }
  assert.equal(wrong.length, 0, `${wrong.length} of ${truths.length} wrong:\n${wrong.join('\n')}`)
}

/** The rows of a story that is wrong, a line each. */
function rowsOf(story: Story | undefined): string {
  return (story?.rows ?? []).map((row) => JSON.stringify(row)).join('\n')
}

test('an idle connection older than Weir shows what it carried', () =>
  withNamespaces(2, async (lab) => {
    const [client, server] = [await lab.peer(0, 'idle-client'), await lab.peer(1, 'idle-server')]
    const pair = await openPair({ lab, name: 'idle', client, server, version: 'v4' })
    await pair.forth(12_345)
    await pair.back(678)
    await pair.settle()
    await withRiver({}, async (river) => {
      const truth = pair.soFar()
      const story = await until('the row', () => storyOf(river, lab, truth))
      const { last } = story
      assert.deepEqual(
        [last['bytes'], last['total_bytes'], last['total_reverse_bytes'], last['state']],
        [0, 12_345, 678, 'established'],
      )
      assert.deepEqual([last['src_pid'], last['dst_pid']], [client.pid, server.pid])
      const [near] = await pair.look()
      assert.equal(last['total_bytes'], near?.counters['bytes_sent'])
      assert.equal(last['total_reverse_bytes'], near?.counters['bytes_received'])
    })
  }))

test('every failed connect says why, every server process is the right one', async () => {
  await withRiver({}, async (river) => {
    for (const one of [...serverCases, ...failureCases]) {
      const play = () =>
        withNamespaces(one.namespaces, async (lab) => {
          const truths = await (await one.begin(lab))()
          await assertAll(river, lab, truths, 'seen from its start')
        })
      // A segment or a timer of the kernel ends most connections.
      await besideProcessOne(play)
    }
  })
})

test('packets are the segments that nft counts', () =>
  withNamespaces(2, async (lab) => {
    await withRiver({}, async (river) => {
      await lab.count(0)
      const [client, server] = [await lab.peer(0, 'counted'), await lab.peer(1, 'counting')]
      const pair = await openPair({ lab, name: 'counted', client, server, version: 'v6' })
      await pair.forth(1_000_000)
      await pair.back(250_000)
      await pair.settle()
      const truth = await lab.packets(0)
      // An acknowledgement may come an interval after the octets.
      const sums = await until('all its segments', async () => {
        const rows = (await storyOf(river, lab, pair.soFar()))?.rows ?? []
        const sum = (name: string) => rows.reduce((all, row) => all + Number(row[name]), 0)
        const found = [sum('packets'), sum('reverse_packets')] as const
        return found[0] + found[1] >= truth.out + truth.in && found
      })
      assert.deepEqual(sums, [truth.out, truth.in])
    })
  }))
