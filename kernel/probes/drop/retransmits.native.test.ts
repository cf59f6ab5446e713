// Segments that TCP sends again: as many as TCP itself counts, also where the kernel speaks once of many.
//
// Runs alone: the kernel counts runs of a program for the whole host, and others that send again hide what is looked for.

import assert from 'node:assert/strict'
import { closeSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { besideProcessOne } from '../../../common/process-one.fake.ts'
import { bpfCall } from '../../loader/bpf-call.ts'
import { dropKind } from '../../mod.ts'
import type { DropRecord } from '../../testing/drop-record.ts'
import { dropsOf, kernelCounter, runPython, sumOf } from '../../testing/drops.ts'
import { createPair, type Pair } from '../../testing/pair.ts'
import { far, near } from '../../testing/provoked.ts'

let pair: Pair
before(() => {
  pair = createPair()
})
after(() => pair?.remove())

/**
 * A window of segments is lost whole. When the cable is good again, each acknowledgement lets more be sent again, several
 * segments of one buffer at once. Prints TCP's own count.
 */
const lostWindow = [
  'client, accepted = connected(5002, 5001)',
  'client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)',
  'def far_nft(*words):',
  "  with inside_far(): command('nft', *words)",
  "far_nft('add table ip hold'); far_nft('add chain ip hold in { type filter hook input priority 0; }')",
  "far_nft('add rule ip hold in tcp dport 5002 drop')",
  "sent = client.send(b'x' * 200000)",
  "until('a window is on its way', lambda: unacknowledged(client) >= 10)",
  "until('it is sent again', lambda: retransmits(client) >= 1)",
  "far_nft('delete table ip hold')",
  'got = 0',
  'while got < sent: got += len(accepted.recv(1 << 20))',
  "until('all is acknowledged', lambda: unacknowledged(client) == 0)",
  'print(retransmits(client))',
  'vanish(client, accepted)',
]

interface Again {
  readonly records: readonly DropRecord[]
  readonly segments: number
  /** How often the tracepoint fired, on the whole host. */
  readonly fired: number
}

/** A timer begins to send the window again. */
function loseWindow(): Again {
  const [kernelBefore, runs] = [
    kernelCounter(pair.near, 'Tcp.RetransSegs'),
    { before: 0, after: 0 },
  ]
  let segments = 0
  const { records } = dropsOf({ netns: pair.near.inode }, (probe) => {
    runs.before = probe.use().get('retransmit')?.runs ?? 0
    segments = Number(runPython(pair, lostWindow))
    runs.after = probe.use().get('retransmit')?.runs ?? 0
  })
  assert.equal(kernelCounter(pair.near, 'Tcp.RetransSegs') - kernelBefore, segments)
  const again = records.filter(({ kind }) => kind === dropKind.RETRANSMIT)
  assert.equal(sumOf(again, 'count'), segments)
  return { records: again, segments, fired: runs.after - runs.before }
}

test('one buffer of many segments that is sent again counts all of them, as TCP_INFO and nstat do', async () => {
  const statistics = bpfCall('enableStatistics', [0])
  assert.ok(statistics >= 0, 'BPF_ENABLE_STATS')
  try {
    // Others than tests may send again meanwhile, which hides that one buffer was many segments: then once more.
    for (let tries = 1; ; tries++) {
      const { records, segments, fired } = await besideProcessOne(loseWindow)
      for (const { source, source_port: from, destination, destination_port: to } of records) {
        assert.deepEqual([source, from, destination, to], [near, 5001, far, 5002])
      }
      if (fired < segments) break
      assert.ok(tries < 10, `${fired} runs for ${segments} segments`)
    }
  } finally {
    closeSync(statistics)
  }
})
