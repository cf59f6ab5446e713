// `weir up --interface`: what interfaces carried, beside the sockets, in namespaces of the test's own.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { type JsonRow, type River, withRiver } from '../river.ts'
import { command, type Lab, until, withNamespaces } from '../traffic/mod.ts'
import { assertNoLoss } from './compare.ts'

const limitMs = 120_000
const port = 4713
const datagrams = 250
const payloadBytes = 100
/** Of IP and UDP. */
const headerBytes = 28

test('a connection is a row of sockets and rows of interfaces, under one id and with its process', () =>
  withNamespaces(2, (lab) =>
    withRiver({ args: watching(lab, 0) }, async (river) => {
      assert.match(river.output(), /^ {2}watches {2}lo, r0 \(flow by (?:tcx|clsact)\)$/m)
      await connect(lab, river)
      const [socket] = await endedRows(river)
      // Four segments at the least; 20 octets of IP and 20 to 40 of TCP each, and what was said. The last ones may be in rows
      // of the next interval.
      const areAll = (rows: readonly JsonRow[]) =>
        sum(rows, 'packets') > 3 &&
        Number(socket?.['packets']) <= sum(rows, 'packets') &&
        sum(rows, 'bytes') >= 40 * sum(rows, 'packets') + Number(socket?.['total_bytes'])
      const passed = await rowsOf(river, areAll)
      for (const row of passed) {
        assert.equal(row['interface'], 'r0')
        assert.equal(row['counted'], true)
      }
      const named = passed.filter((row) => row['connection_id'] === socket?.['connection_id'])
      assert.ok(named.length > 0)
      for (const name of ['src_process', 'src_pid', 'src_port', 'dst_port'] as const) {
        assert.equal(named[0]?.[name], socket?.[name], name)
      }
      const { rows: all } = await river.get('/api/top', { from: '-15m', by: 'dst_port' })
      const [top] = all.filter((row) => row['dst_port'] === port)
      assert.equal(Number(top?.['bytes']), socket?.['total_bytes'], 'sums are of sockets alone')
    }),
  ))

test('datagrams through a router: each interface has all of them, they count once, and the ledger has every packet', () =>
  withNamespaces(3, async (lab) => {
    await route(lab)
    await withRiver({ args: watching(lab, 1) }, async (river) => {
      await lab.run(0, '/usr/bin/python3', '-c', sendTo(lab.address(2, 'v4', 'left')))
      const ofUdp = (rows: readonly JsonRow[]) => rows.filter((row) => row['protocol'] === 'udp')
      const passed = await rowsOf(river, (rows) => sum(ofUdp(rows), 'packets') >= 2 * datagrams)
      for (const [name, direction] of [
        ['l0', 'received'],
        ['r1', 'sent'],
      ] as const) {
        const own = ofUdp(passed).filter((row) => row['interface'] === name)
        assert.equal(sum(own, 'packets'), datagrams)
        assert.equal(sum(own, 'bytes'), datagrams * (payloadBytes + headerBytes))
        for (const row of own) {
          assert.equal(row['direction'], direction)
          assert.deepEqual(row['path'], ['l0', 'r1'])
          assert.equal(row['observer'], 'transit')
        }
      }
      const counted = ofUdp(passed).filter((row) => row['counted'] === true)
      assert.equal(sum(counted, 'packets'), datagrams)
      await assertLedger(river)
    })
  }))

test('a namespace that goes away while its interfaces are watched ends nothing', () =>
  withNamespaces(2, (lab) =>
    withRiver({ args: watching(lab, 0) }, async (river) => {
      await connect(lab, river)
      await rowsOf(river, (rows) => sum(rows, 'packets') > 3)
      const agent = river.pid('agent')
      await command('ip', ['netns', 'del', lab.names[0] as string])
      const gone = new Date().toISOString()
      const beats = () => river.get('/api/ledger', { from: gone, stage: 'agent' })
      const intervals = async () => sum((await beats()).rows, 'entered')
      await until('intervals after it', async () => (await intervals()) >= 3, limitMs)
      assert.equal(river.pid('agent'), agent)
      assertNoLoss((await beats()).coverage)
    }),
  ))

test('an interface that nobody has ends weir up, with the names of those that are there', () =>
  withNamespaces(1, async (lab) => {
    await assert.rejects(
      withRiver({ args: [...watching(lab, 0), '--interface', '!lo'] }, async () => undefined),
      /no interface is named all !lo.*lo/s,
    )
  }))

function watching(lab: Lab, at: number): string[] {
  return ['--netns', lab.netns(at).path, '--interface', 'all']
}

/** A connection that stays open until its socket is in a row: the agent cannot name the packets of a socket that it never saw. */
async function connect(lab: Lab, river: River): Promise<void> {
  const serve = `require('node:net').createServer((s) => s.resume().write('y')).listen(${port}, () => console.log('ready'))`
  const server = lab.start(1, process.execPath, '-e', serve)
  await once(server.stdout, 'data')
  const dial = `const s = require('node:net').connect(${port}, '${lab.address(1, 'v4')}').resume()
    s.write('x'.repeat(500))
    process.stdin.once('data', () => s.end(() => process.exit()))`
  const client = lab.start(0, process.execPath, '-e', dial)
  const exit = once(client, 'exit')
  const isKnown = async () => (await river.flows({ dst_port: port })).length > 0
  await until('the socket in a row', isKnown, limitMs)
  client.stdin.write('end')
  await exit
}

async function route(lab: Lab): Promise<void> {
  await lab.sysctl(1, 'net.ipv4.ip_forward', 1)
  await lab.run(0, 'ip', 'route', 'add', 'default', 'via', lab.address(1, 'v4', 'left'))
  await lab.run(2, 'ip', 'route', 'add', 'default', 'via', lab.address(1, 'v4', 'right'))
}

function sendTo(address: string): string {
  const lines = [
    'import socket',
    's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
    `for _ in range(${datagrams}): s.sendto(bytes(${payloadBytes}), ("${address}", ${port}))`,
  ]
  return lines.join('\n')
}

async function endedRows(river: River): Promise<readonly JsonRow[]> {
  const ended = async () => {
    const rows = await river.flows({ dst_port: port })
    return rows.filter((row) => row['end'] !== null)
  }
  await until('the end of the connection', async () => (await ended()).length > 0, limitMs)
  return ended()
}

async function rowsOf(river: River, areAll: (rows: readonly JsonRow[]) => boolean) {
  const read = () => river.flows({ view: 'interface', dst_port: port })
  await until('all packets in rows', async () => areAll(await read()), limitMs)
  return read()
}

/** In packets, over all intervals: in = out + filtered + sampled + lost + waiting. */
async function assertLedger(river: River): Promise<void> {
  const asked = { from: '-15m', probe: 'flow', stage: 'hook' }
  const ofItself = (rows: readonly JsonRow[]) => rows.filter((row) => row['cause'] === '')
  // It comes behind the rows of its interval.
  const rows = await until('the ledger of all datagrams', async () => {
    const found = (await river.get('/api/ledger', asked)).rows
    return sum(ofItself(found), 'left') >= 2 * datagrams && found
  })
  const own = ofItself(rows)
  assert.ok(own.every((row) => row['unit'] === 'packets'))
  const [entered, left] = [sum(own, 'entered'), sum(own, 'left')]
  assert.equal(entered, left)
  const { rows: drained } = await river.get('/api/ledger', { from: '-15m', stage: 'enrich' })
  const causes = [...rows, ...drained].filter((row) => Number(row['lost']) > 0)
  assert.deepEqual(causes, [])
}

function sum(rows: readonly JsonRow[], name: string): number {
  return rows.reduce((all, row) => all + Number(row[name]), 0)
}
