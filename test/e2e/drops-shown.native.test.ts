// Datagrams to a port that nobody listens at: as many as the kernel's own counter says are in `weir drops`, by reason.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { weirProgram, withRiver } from '../river.ts'
import { command, type Lab, until, withNamespaces } from '../traffic/mod.ts'

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

async function noPorts(lab: Lab): Promise<number> {
  const text = await lab.run(1, 'cat', '/proc/net/snmp')
  const [names, values] = text
    .split('\n')
    .filter((line) => line.startsWith('Udp:'))
    .map((line) => line.split(' ')) as [string[], string[]]
  return Number(values[names.indexOf('NoPorts')])
}
