// One connection is one row, whoever sees it: over loopback, between two namespaces, through NAT.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spawnWeir, withRiver } from '../river.ts'
import { type Lab, openPair, until, type Version, withNamespaces } from '../traffic/mod.ts'
import { inodesOf, storyOf, tell } from './compare.ts'

const million = 1_000_000

async function sendMillion(lab: Lab, version: Version) {
  const client = await lab.peer(0, 'one-client')
  const server = await lab.peer(lab.names.length - 1, 'one-server')
  const pair = await openPair({ lab, name: 'one megabyte', client, server, version })
  await pair.forth(million)
  await pair.settle()
  await pair.client.close()
  await pair.server.receive()
  await pair.server.close()
  return pair.ended('closed')
}

for (const namespaces of [1, 2]) {
  const where = namespaces === 1 ? 'over loopback' : 'between two namespaces'
  test(`1 MB ${where} is 1 MB in /api/top, one connection`, () =>
    withRiver({}, (river) =>
      withNamespaces(namespaces, async (lab) => {
        for (const version of ['v4', 'v6'] as const) {
          const truth = await sendMillion(lab, version)
          const query = { netns: inodesOf(lab), dst_port: truth.dst_port }
          const top = await until('the top of it', async () => {
            const { rows } = await river.get('/api/top', {
              by: 'dst_port',
              from: '-5m',
              ...query,
            })
            return Number(rows[0]?.['bytes']) >= million && rows
          })
          assert.equal(top.length, 1)
          assert.equal(top[0]?.['bytes'], million)
          assert.equal(top[0]?.['connections'], 1)
          assert.equal(top[0]?.['opened'], 1)
          const story = await storyOf(river, lab, truth)
          assert.ok(story?.rows.every((row) => row['observer'] === 'both'))
          // An interval may end before the server has accepted: nobody has that end then.
          const carrying = story?.rows.filter((row) => Number(row['bytes']) > 0)
          assert.deepEqual([...new Set(carrying?.map((row) => row['dst_process']))], ['one-server'])
        }
      }),
    ))
}

test('through DNAT and masquerade both ends are one connection', () =>
  withRiver({}, (river) =>
    withNamespaces(3, async (lab) => {
      await lab.sysctl(1, 'net.ipv4.ip_forward', 1)
      await lab.nft(1, natRules(lab.address(2, 'v4')))
      const [client, server] = [await lab.peer(0, 'nat-client'), await lab.peer(2, 'nat-server')]
      await server.must({ op: 'listen', id: 'l', address: lab.address(2, 'v4'), port: 7001 })
      const front = lab.address(1, 'v4', 'left')
      const [dialled] = await Promise.all([
        client.must({ op: 'connect', id: 'c', address: front, port: 80 }),
        server.must({ op: 'accept', id: 's', listener: 'l' }),
      ])
      await Promise.all([
        client.must({ op: 'send', id: 'c', bytes: million }),
        server.must({ op: 'receive', id: 's', bytes: million }),
      ])
      await client.must({ op: 'close', id: 'c' })
      await server.must({ op: 'receive', id: 's' })
      await server.must({ op: 'close', id: 's' })
      const rows = await until('both ends as one', async () => {
        const found = await river.flows({ src_netns: lab.netns(0).inode, dst_port: 80 })
        return found.at(-1)?.['end'] ? found : undefined
      })
      const story = tell(rows)
      assert.equal(story.bytes, million)
      assert.equal(story.last['src_port'], dialled.local?.[1])
      assert.equal(story.last['dst_address'], front)
      assert.deepEqual([story.last['src_pid'], story.last['dst_pid']], [client.pid, server.pid])
      assert.equal(story.last['observer'], 'both')
      const id = String(story.last['connection_id'])
      const twice = await river.flows({ connection_id: id })
      assert.equal(tell(twice).bytes, million)
      assert.equal((await river.flows({ dst_netns: lab.netns(2).inode, dst_port: 7001 })).length, 0)
    }),
  ))

const natRules = (server: string) => `table ip weir_nat {
  chain to {
    type nat hook prerouting priority -100;
    tcp dport 80 dnat to ${server}:7001
  }
  chain from {
    type nat hook postrouting priority 100;
    oifname r1 masquerade
  }
}`

const hostile = [
  'a\u001b[31mred',
  '"; drop',
  "x' or 1=1 --",
  '<img src=x>',
  '\\N\\t{a:b}',
  'päß\u202e',
]

test('hostile process names arrive as they are, and a terminal never sees them raw', () =>
  withRiver({}, (river) =>
    withNamespaces(2, async (lab) => {
      for (const [i, name] of hostile.entries()) {
        const [client, server] = [await lab.peer(0, name), await lab.peer(1, 'victim')]
        const pair = await openPair({ lab, name, client, server, version: 'v4' })
        await pair.forth(100 + i)
        await pair.settle()
        await pair.client.close()
        await pair.server.close()
        const truth = await pair.ended('closed')
        // One that was open at the end of an interval has more than one row.
        const rows = await until(`the end of ${JSON.stringify(name)}`, async () => {
          const found = await river.flows({ src_process: comm(name), dst_port: truth.dst_port })
          return found.some((row) => row['end'] !== null) && found
        })
        assert.equal(tell(rows).bytes, 100 + i)
      }
      const shown = spawnWeir(['flows', '--server', river.base, '--limit', '1000'])
      assert.equal(await shown.ended, 0, shown.output())
      assert.match(shown.output(), /victim/)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
      assert.doesNotMatch(shown.output(), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
    }),
  ))

/** The kernel keeps 15 octets. */
function comm(name: string): string {
  return Buffer.from(name).subarray(0, 15).toString()
}

test('weir flows --local needs no server and is right', () =>
  withNamespaces(2, async (lab) => {
    const [client, server] = [await lab.peer(0, 'local-client'), await lab.peer(1, 'local-server')]
    const pair = await openPair({ lab, name: 'local', client, server, version: 'v6' })
    await pair.forth(4_321)
    await pair.settle()
    // The whole host is looked at, and a list has 100 rows.
    const port = pair.soFar().src_port
    const shown = spawnWeir(['flows', '--local', '--output', 'ndjson', '--port', `${port}`])
    assert.equal(await shown.ended, 0, shown.output())
    const rows = shown
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const mine = rows.filter((row) => row['src_port'] === port)
    assert.equal(mine.length, 1)
    assert.deepEqual(
      [mine[0]?.['total_bytes'], mine[0]?.['src_pid'], mine[0]?.['dst_process']],
      [4_321, client.pid, 'local-server'],
    )
  }))
