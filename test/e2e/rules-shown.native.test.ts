// From a rule in the kernel to the API: what weir rules loads is in /api/rules with the packets that nftables did not see,
// and goes when it is taken off. Frames of an XDP telemetry agent, on the port for agents, are events and in /metrics.json.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePort } from '../../common/free-port.fake.ts'
import { mountBpffs } from '../../kernel/testing/bpffs.ts'
import { createPair } from '../../kernel/testing/pair.ts'
import { weirProgram, withRiver } from '../river.ts'
import { command, until } from '../traffic/mod.ts'

test('rules are in the API as the kernel has them, count live, and go with the program', async () => {
  const bpffs = mountBpffs()
  const pair = createPair()
  const root = join(bpffs.folder, 'weir')
  const place = ['-i', 'far0', '--netns', pair.far.path, '-p', root]
  const weir = (...args: string[]) => command(weirProgram, [...args, ...place])
  try {
    await withRiver({ env: { WEIR_PIN_ROOT: root } }, async (river) => {
      await weir('xdp', 'attach', '-m', 'generic')
      const file = join(bpffs.folder, '../', `weir-rules-${process.pid}`)
      writeFileSync(file, 'drop from 10.77.0.0/24 label 7\npass from 192.0.2.1 ttl 1h\n')
      await weir('rules', 'apply', file)
      const before = pair.received().packets
      pair.send(25, 100)
      assert.equal(pair.received().packets, before, 'nothing passed')
      const shown = async () => (await river.get('/api/rules')).rows
      // The longer prefix is tried first.
      const [itself, second, first] = await until('the counters', async () => {
        const rows = await shown()
        return rows.length === 3 && rows[2]?.['packets'] === 25 && rows[0]?.['mode'] !== ''
          ? rows
          : undefined
      })
      assert.deepEqual(
        [itself?.['interface'], itself?.['mode'], itself?.['rules'], itself?.['dropped']],
        ['far0', 'generic', 2, 25],
      )
      assert.deepEqual(
        [first?.['rule'], first?.['label'], first?.['dropped'], first?.['dropped_bytes']],
        ['drop from 10.77.0.0/24 label 7', '7', 25, 25 * 128],
      )
      const left = Date.parse(String(second?.['expires'])) - Date.now()
      assert.ok(left > 0 && left <= 3_600_000, `${left} ms`)
      await weir('xdp', 'detach')
      await until('nothing', async () => (await shown()).length === 0)
    })
  } finally {
    bpffs.remove()
    pair.remove()
  }
})

/** A frame as xdt-agent writes it. */
function frameOf(label: number): Buffer {
  const head = Buffer.alloc(28)
  head.writeBigUInt64LE(BigInt(Date.now()) * 1_000_000n + 1n, 0)
  head.writeUInt32LE(4, 8)
  head.writeUInt32LE(2, 16)
  head.writeUInt32LE(label, 20)
  const text = (value: string) => Buffer.from([value.length, ...Buffer.from(value)])
  const ports = Buffer.alloc(8)
  ports.writeUInt32LE(40_000, 0)
  ports.writeUInt32LE(8081, 4)
  const body = [
    head,
    text('kind-worker'),
    Buffer.alloc(2),
    text('10.0.0.1'),
    text('10.0.0.2'),
    ports,
  ]
  const all = Buffer.concat(body)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(all.length)
  return Buffer.concat([length, all])
}

test('frames of an XDP telemetry agent are events by label, and in /metrics.json', async () => {
  const port = await freePort()
  await withRiver({ args: ['--ingest', `127.0.0.1:${port}`] }, async (river) => {
    const socket = connect(port, '127.0.0.1')
    try {
      for (const label of [7, 7, 9]) socket.write(frameOf(label))
      const labelled = await until('three events', async () => {
        const { rows } = await river.get('/api/events', { kind: 'packet', filter: 'label != ""' })
        return rows.length === 3 ? rows : undefined
      })
      assert.ok(labelled.every((row) => row['node'] === 'kind-worker' && row['dst_port'] === 8081))
      const one = await river.get('/api/events', { kind: 'packet', filter: 'label = 9' })
      assert.equal(one.rows.length, 1)
      const answer = await fetch(`${river.base}/metrics.json`)
      const shown = (await answer.json()) as {
        readonly total_events: number
        readonly nodes: readonly { readonly agent_id: string; readonly label_counts: unknown }[]
      }
      assert.equal(shown.total_events, 3)
      assert.deepEqual(shown.nodes[0]?.label_counts, [
        { label_id: 7, count: 2 },
        { label_id: 9, count: 1 },
      ])
    } finally {
      socket.destroy()
    }
  })
})
