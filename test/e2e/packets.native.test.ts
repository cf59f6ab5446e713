// `weir up --xdp`: packets from the interface to the API, with their labels, and the labels of flows.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { mountBpffs } from '../../kernel/testing/bpffs.ts'
import { type River, withRiver } from '../river.ts'
import { type Lab, type Program, until, withNamespaces } from '../traffic/mod.ts'

const weir = fileURLToPath(new URL('../../bin/weir', import.meta.url))
const limitMs = 120_000
const port = 4714
const datagrams = 30
const payloadBytes = 100
/** Of IP and UDP. */
const headerBytes = 28

test('packets of an interface are events with their labels, flows have the same label, and the ledger has every packet', () =>
  withNamespaces(2, async (lab) => {
    const bpffs = mountBpffs()
    const root = join(bpffs.folder, 'weir')
    const { path } = lab.netns(1)
    const place = ['-i', 'l0', '--netns', path, '--pin-root', root]
    try {
      execFileSync(weir, ['xdp', 'attach', ...place, '--mode', 'generic'])
      const rule = ['rules', 'add', ...place, '--port', String(port), '--label-id']
      execFileSync(weir, [...rule, '5', '--proto', 'udp', '--action', 'drop'])
      execFileSync(weir, [...rule, '6', '--proto', 'tcp'])
      const args = [
        '--netns',
        path,
        '--xdp',
        `l0@${path}`,
        '--pin-root',
        root,
        '--xdp-snaplen',
        '34',
      ]
      await withRiver({ args }, async (river) => {
        await send(lab)
        const client = await connect(lab)
        await assertPackets(river)
        await assertSegments(river)
        client.kill()
        await assertFlows(river)
        await assertLedger(river)
      })
    } finally {
      execFileSync(weir, ['xdp', 'detach', ...place])
      bpffs.remove()
    }
  }))

async function send(lab: Lab): Promise<void> {
  const lines = [
    'import socket',
    's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
    `for _ in range(${datagrams}): s.sendto(bytes(${payloadBytes}), ("${lab.address(1, 'v4')}", ${port}))`,
  ]
  await lab.run(0, '/usr/bin/python3', '-c', lines.join('\n'))
}

/** A connection that goes on saying something, so that packets come after its socket is known. */
async function connect(lab: Lab): Promise<Program> {
  const serve = `require('node:net').createServer((s) => s.resume().write('y')).listen(${port}, () => console.log('ready'))`
  const server = lab.start(1, process.execPath, '-e', serve)
  await new Promise((resolve) => server.stdout.once('data', resolve))
  const open = `const s = require('node:net').connect(${port}, '${lab.address(1, 'v4')}')`
  const client = `${open}; s.resume(); setInterval(() => s.write('x'), 50)`
  return lab.start(0, process.execPath, '-e', client)
}

interface Telemetry {
  readonly label_counts: readonly { readonly label_id: number; readonly count: number }[]
}

async function packets(river: River, filter: Readonly<Record<string, string>>) {
  const asked = { kind: 'packet', from: '-15m', dst_port: port, limit: 1000, ...filter }
  const { rows } = await river.get('/api/events', asked)
  return rows
}

async function assertPackets(river: River): Promise<void> {
  const dropped = () => packets(river, { protocol: 'udp' })
  await until('all datagrams', async () => (await dropped()).length === datagrams, limitMs)
  for (const row of await dropped()) {
    assert.equal(row['label'], '5')
    assert.equal(row['action'], 'drop')
    assert.match(`${row['rule']}`, /^drop proto udp port 4714 label 5$/)
    assert.equal(row['packet_size_bytes'], payloadBytes + headerBytes)
    assert.equal(row['interface'], 'l0')
    assert.equal(Buffer.from(`${row['payload']}`, 'base64').length, 20, 'its IP header')
  }
  const asked = { kind: 'packet', from: '-15m', by: 'label', label: '5' }
  const { rows: groups } = await river.get('/api/events/top', asked)
  assert.equal(Number(groups[0]?.['count']), datagrams)
  const answer = await fetch(`${river.base}/metrics.json`)
  const { nodes } = (await answer.json()) as { readonly nodes: readonly Telemetry[] }
  const label = nodes[0]?.label_counts.find(({ label_id: id }) => id === 5)
  assert.equal(label?.count, datagrams, '/metrics.json')
}

async function assertSegments(river: River): Promise<void> {
  await until(
    'a segment with the id of its connection',
    async () => {
      const [flow] = await river.flows({ dst_port: port, label: '6' })
      const segments = await packets(river, { label: '6' })
      return flow && segments.some((row) => row['connection_id'] === flow['connection_id'])
    },
    limitMs,
  )
}

async function assertFlows(river: River): Promise<void> {
  const ended = async () => {
    const rows = await river.flows({ dst_port: port, label: '6' })
    return rows.filter((row) => row['end'] !== null)
  }
  await until('the end of the connection', async () => (await ended()).length > 0, limitMs)
}

/** In packets, over all intervals: in = out + filtered + sampled + lost + waiting. */
async function assertLedger(river: River): Promise<void> {
  const read = async () => {
    const { rows } = await river.get('/api/ledger', { from: '-15m', probe: 'xdp', stage: 'hook' })
    const own = rows.filter((row) => row['cause'] === '')
    const sum = (name: string) => own.reduce((all, row) => all + Number(row[name]), 0)
    return { entered: sum('entered'), left: sum('left'), lost: sum('lost') }
  }
  // What came in a moment before the end of an interval may wait in the ring; the client has ended, so that all of it comes.
  const isWhole = async () => {
    const { entered, left, lost } = await read()
    assert.equal(lost, 0)
    return entered > datagrams && entered === left
  }
  await until('a ledger of all packets', isWhole, limitMs)
}
