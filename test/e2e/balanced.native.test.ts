// A conversation whose packets alternate between two cables, both ways: each interface has its own, and each packet counts
// once, as nftables counts them. Watched at the host that sends, and at a router.
//
//   0  r0 —— l0  1  r1 —— l1  2
//      x0 —— y0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type JsonRow, type River, withRiver } from '../river.ts'
import { command, type Lab, until, withNamespaces } from '../traffic/mod.ts'

const limitMs = 120_000
const port = 4713
const datagrams = 200

for (const { where, at, cables } of [
  { where: 'the host that sends', at: 0, cables: ['r0', 'x0'] },
  { where: 'a router', at: 1, cables: ['l0', 'y0'] },
] as const) {
  test(`packets that alternate between two interfaces of ${where} count once each`, () =>
    withNamespaces(3, async (lab) => {
      await connect(lab)
      await count(lab, at)
      const args = ['--netns', lab.netns(at).path, '--interface', 'all']
      await withRiver({ args }, async (river) => {
        await talk(lab)
        const { sent, answered } = await counted(lab, at)
        assert.deepEqual([sent, answered], [datagrams, datagrams])
        const rows = await rowsOf(river, (all) => sum(all) >= (at === 0 ? 2 : 4) * datagrams)
        for (const cable of cables) {
          const own = rows.filter((row) => row['interface'] === cable)
          assert.deepEqual([sum(own, 'packets'), sum(own, 'reverse_packets')], [100, 100], cable)
        }
        const all = rows.filter((row) => row['counted'] === true)
        assert.deepEqual([sum(all, 'packets'), sum(all, 'reverse_packets')], [sent, answered])
        assert.equal(new Set(rows.map((row) => row['connection_id'])).size, 1)
      })
    }))
}

/** Two cables between 0 and 1; marked packets take the second one. */
async function connect(lab: Lab): Promise<void> {
  const [left, router] = lab.names as [string, string, string]
  await command('ip', [
    '-n',
    left,
    'link',
    'add',
    'x0',
    'type',
    'veth',
    'peer',
    'y0',
    'netns',
    router,
  ])
  for (const [at, device, address] of [
    [0, 'x0', '10.63.0.1/24'],
    [1, 'y0', '10.63.0.2/24'],
  ] as const) {
    await lab.run(at, 'ip', 'address', 'add', address, 'dev', device)
    await lab.run(at, 'ip', 'link', 'set', device, 'up')
    await lab.run(at, 'ip', 'rule', 'add', 'fwmark', '1', 'lookup', '100')
    for (const each of ['all', device, at === 0 ? 'r0' : 'l0']) {
      await lab.sysctl(at, `net.ipv4.conf.${each}.rp_filter`, 0)
    }
  }
  await lab.sysctl(1, 'net.ipv4.ip_forward', 1)
  const route = (at: number, ...rest: string[]) => lab.run(at, 'ip', 'route', 'add', ...rest)
  await route(0, 'default', 'via', lab.address(1, 'v4', 'left'))
  await route(0, 'default', 'via', '10.63.0.2', 'table', '100')
  await route(1, lab.address(0, 'v4'), 'via', '10.63.0.1', 'table', '100')
  await route(2, 'default', 'via', lab.address(1, 'v4', 'right'))
  await lab.nft(
    1,
    `table ip weir_balance {
    chain answers {
      type filter hook prerouting priority -150;
      udp sport ${port} meta mark set numgen inc mod 2
    }
  }`,
  )
}

async function count(lab: Lab, at: number): Promise<void> {
  const hooks = at === 0 ? ['output', 'input'] : ['forward', 'forward']
  await lab.nft(
    at,
    `table ip weir_seen {
    counter sent { }
    counter answered { }
    chain first { type filter hook ${hooks[0]} priority 0; udp dport ${port} counter name sent; }
    chain second { type filter hook ${hooks[1]} priority 1; udp sport ${port} counter name answered; }
  }`,
  )
}

async function counted(lab: Lab, at: number): Promise<{ sent: number; answered: number }> {
  const text = await lab.run(at, 'nft', 'list', 'counters', 'table', 'ip', 'weir_seen')
  const of = (name: string) =>
    Number(new RegExp(`counter ${name} \\{\\s+packets (\\d+)`).exec(text)?.[1])
  return { sent: of('sent'), answered: of('answered') }
}

/** One datagram and its answer after the other; every second one is marked. */
async function talk(lab: Lab): Promise<void> {
  const to = lab.address(2, 'v4', 'left')
  const serve = [
    'import socket',
    's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
    `s.bind(("${to}", ${port}))`,
    'print("ready", flush=True)',
    'while True:',
    ' data, who = s.recvfrom(99)',
    ' s.sendto(data, who)',
  ]
  const server = lab.start(2, '/usr/bin/python3', '-c', serve.join('\n'))
  await new Promise((resolve) => server.stdout.once('data', resolve))
  const ask = [
    'import socket',
    's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
    `s.bind(("${lab.address(0, 'v4')}", 4714))`,
    's.settimeout(60)',
    `for n in range(${datagrams}):`,
    ' s.setsockopt(socket.SOL_SOCKET, 36, n % 2)',
    ` s.sendto(b"x", ("${to}", ${port}))`,
    ' s.recv(99)',
  ]
  await lab.run(0, '/usr/bin/python3', '-c', ask.join('\n'))
}

async function rowsOf(river: River, areAll: (rows: readonly JsonRow[]) => boolean) {
  const read = () => river.flows({ view: 'interface', dst_port: port })
  await until('all packets in rows', async () => areAll(await read()), limitMs)
  return read()
}

/** Of one field, or of both ways. */
function sum(rows: readonly JsonRow[], ...names: readonly string[]): number {
  const fields = names.length === 0 ? ['packets', 'reverse_packets'] : names
  return rows
    .flatMap((row) => fields.map((name) => Number(row[name])))
    .reduce((all, each) => all + each, 0)
}
