// `weir top --local` on a real terminal over real probes: a known number of octets stands on the screen, at both ends.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ptyMissing, withPty } from '../../cli/screen/pty.fake.ts'
import { openPair, withNamespaces } from '../traffic/mod.ts'

test(
  'octets that were sent are on the screen, as sent of one process and received of the other',
  { skip: ptyMissing },
  () =>
    withNamespaces(2, async (lab) => {
      const [client, server] = [await lab.peer(0, 'top-client'), await lab.peer(1, 'top-server')]
      await withPty(
        ['top', '--local', '--for', '10m', '--raw'],
        { rows: 40, columns: 160 },
        async (pty) => {
          await pty.until('the screen', () => /weir top · processes/.test(pty.frame()[0] ?? ''))
          const pair = await openPair({ lab, name: 'top', client, server, version: 'v4' })
          await pair.forth(1_234_567)
          await pair.back(7654)
          await pair.settle()
          const row = (name: string) =>
            pty
              .frame()
              .find((line) => line.startsWith(`${name} `))
              ?.split(/ {2,}/)
          await pty.until('both rows with all octets', () => {
            const [one, other] = [row('top-client'), row('top-server')]
            const [forth, back] = [
              [one?.[2], other?.[3]],
              [one?.[3], other?.[2]],
            ]
            return `${forth}` === '1234567,1234567' && `${back}` === '7654,7654'
          })
          assert.equal(row('top-client')?.[1], '1', 'one connection')
          pty.press('/dst_process = top-server\r')
          await pty.until(
            'the filter',
            () => row('top-server') !== undefined && pty.frame()[0]?.includes('filter:') === true,
          )
          pty.press('3')
          await pty.until(
            'one port',
            () => pty.frame().filter((line) => /^\d+ /.test(line)).length === 2,
          )
          pty.press('q')
          assert.deepEqual(await pty.ended(), { exitCode: 0, isRestored: true })
          await pair.client.close()
          await pair.server.close()
        },
      )
    }),
)
