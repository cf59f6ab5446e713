// Datagrams to a port that nobody listens at, and segments that a rule drops: as many as the kernel's own counters say are
// shown, by reason and with the processes of both ends.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { besideProcessOne } from '../../common/process-one.fake.ts'
import { type JsonRow, weirProgram, withRiver } from '../river.ts'
import { command, type Lab, openPair, until, withNamespaces } from '../traffic/mod.ts'
import { inodesOf } from './compare.ts'

const port = 4999
const datagrams = 17

test('what the kernel counts as UdpNoPorts is what weir drops shows', () =>
  withRiver({}, (river) =>
    withNamespaces(2, async (lab) => {
      const target = lab.address(1, 'v4')
      const before = await noPorts(lab)
      const send = `const s = require('node:dgram').createSocket('udp4'); let n = 0; const go = () => n++ < ${datagrams} ? s.send('x', ${port}, '${target}', () => setTimeout(go, 20)) : s.close(); go()`
      await lab.run(0, process.execPath, '-e', send)
      const counted = (await noPorts(lab)) - before
      assert.equal(counted, datagrams)
      const args = [
        'drops',
        '--for',
        '10m',
        '--dst-port',
        String(port),
        '-o',
        'json',
        '--server',
        river.base,
      ]
      await until('all of them', async () => {
        const { rows, totals } = JSON.parse(await command(weirProgram, args))
        return (
          totals.count === counted &&
          rows[0]?.reason === 'NO_SOCKET' &&
          rows[0]?.dst_address === target
        )
      })
    }),
  ))

const countOf = (rows: readonly JsonRow[]) =>
  rows.reduce((sum, row) => sum + Number(row['count']), 0)

test('segments that a rule drops, and those sent again, name both processes and their connection', () =>
  besideProcessOne(segmentsDropped))

const segmentsDropped = () =>
  withRiver({}, (river) =>
    withNamespaces(2, async (lab) => {
      const [client, server] = [await lab.peer(0, 'drop-client'), await lab.peer(1, 'drop-server')]
      const pair = await openPair({ lab, name: 'dropped', client, server, version: 'v4' })
      await pair.forth(1000)
      const { src_port: from } = pair.soFar()
      const own = { netns: inodesOf(lab) }
      const flow = await until('its flow', async () => {
        return (await river.flows({ ...own, src_port: from }))[0]
      })
      const rule = `tcp sport ${from} counter drop`
      await lab.nft(
        1,
        `table ip lost { chain in { type filter hook input priority 0; ${rule}; }; }`,
      )
      await pair.client.send(500)
      const dropped = await until('some are sent again', async () => {
        const text = await lab.run(1, 'nft', 'list', 'chain', 'ip', 'lost', 'in')
        return Number(/packets (\d+)/.exec(text)?.[1]) >= 3
      }).then(() => stopDropping(lab))
      await pair.server.receive(500)
      await pair.settle()
      const events = async (kind: string) => {
        const asked = { ...own, kind, src_port: from, limit: 1000 }
        return (await river.get('/api/events', asked)).rows
      }
      const rows = await until('all of them', async () => {
        const found = await events('drop')
        return countOf(found) >= dropped ? found : undefined
      })
      assert.equal(countOf(rows), dropped)
      for (const row of [...rows, ...(await events('retransmit'))]) {
        assert.deepEqual(
          ['src_process', 'src_pid', 'dst_process', 'dst_pid'].map((name) => row[name]),
          ['drop-client', client.pid, 'drop-server', server.pid],
        )
        assert.equal(row['connection_id'], flow['connection_id'])
      }
      await pair.client.close()
      await pair.server.close()
    }),
  )

/** What the rule had dropped when it went. */
async function stopDropping(lab: Lab): Promise<number> {
  await lab.run(1, 'nft', 'insert', 'rule', 'ip', 'lost', 'in', 'accept')
  const text = await lab.run(1, 'nft', 'list', 'chain', 'ip', 'lost', 'in')
  return Number(/packets (\d+)/.exec(text)?.[1])
}

async function noPorts(lab: Lab): Promise<number> {
  const text = await lab.run(1, 'cat', '/proc/net/snmp')
  const [names, values] = text
    .split('\n')
    .filter((line) => line.startsWith('Udp:'))
    .map((line) => line.split(' ')) as [string[], string[]]
  return Number(values[names.indexOf('NoPorts')])
}
