// Network namespaces of our own, joined in a chain by veth pairs: 0 — 1 — 2 …; gone again whatever happens.
// The link from i to i+1 is 10.X.i.0/24 and fdXX::(i+1):0/112; its left end is 1, its right end 2.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { until } from '../../common/until.fake.ts'
import { sweepNamespaces } from '../../kernel/testing/peers.ts'
import { command } from './command.ts'
import { type Peer, startPeer } from './peer.ts'
import { parseSs, type SocketLine } from './ss.ts'

export type Version = 'v4' | 'v6'

export interface Lab {
  /** A folder of this lab, removed with it. */
  readonly folder: string
  readonly names: readonly string[]
  /** Path and inode of a namespace, as `--netns` takes them. */
  netns(at: number): { readonly path: string; readonly inode: number }
  /** Address of namespace `at` on its link to the next (`right`) or the previous one (`left`). */
  address(at: number, version: Version, side?: 'left' | 'right'): string
  /** An address on the link of `at` to the next that nobody has. */
  nobody(at: number, version: Version): string
  /** The puppet of that name in a namespace; started when it is first asked for. */
  peer(at: number, name: string): Promise<Peer>
  /** Runs a program inside a namespace. */
  run(at: number, file: string, ...args: string[]): Promise<string>
  /** Starts a program inside a namespace that ends with the lab at the latest; errors of its go to ours. */
  start(at: number, file: string, ...args: string[]): Program
  sysctl(at: number, name: string, value: string | number): Promise<void>
  /** Loads nft rules inside a namespace. */
  nft(at: number, rules: string): Promise<void>
  /** Drops `perMille` of the TCP packets that come into (or leave) a namespace; a reset is spared, since nobody sends it again. */
  loss(at: number, perMille: number, hook?: 'input' | 'output'): Promise<void>
  /** Counts TCP packets from now on, one per segment for connections opened later; read with `packets`. */
  count(at: number): Promise<void>
  packets(at: number): Promise<{ readonly in: number; readonly out: number }>
  /** Every TCP socket of a namespace as `ss -tinH` shows it. */
  ss(at: number): Promise<readonly SocketLine[]>
}

/** A process with its input and output in our hands. */
export type Program = ChildProcessByStdio<Writable, Readable, null>

let labs = 0

/** Makes `count` namespaces, hands them to `work` and takes everything down again, peers included. */
export async function withNamespaces<T>(count: number, work: (lab: Lab) => Promise<T>): Promise<T> {
  const names = Array.from({ length: count }, (_, i) => `weir-${process.pid}-${labs}-${i}`)
  labs++
  const folder = mkdtempSync(join(tmpdir(), 'weir-lab-'))
  const guests: Guests = { peers: [], programs: [] }
  try {
    if (labs === 1) sweepNamespaces('weir')
    const octet = randomInt(64, 250)
    for (const name of names) await command('ip', ['netns', 'add', name])
    for (const name of names) await command('ip', ['-n', name, 'link', 'set', 'lo', 'up'])
    for (let i = 0; i + 1 < count; i++) await joinByVeth(names[i]!, names[i + 1]!, i, octet)
    return await work(createLab(names, folder, octet, guests))
  } finally {
    await Promise.all(guests.peers.map((peer) => peer.stop()))
    await Promise.all(guests.programs.map(end))
    for (const name of names) await command('ip', ['netns', 'del', name]).catch(() => {})
    rmSync(folder, { recursive: true, force: true })
  }
}

async function joinByVeth(left: string, right: string, i: number, octet: number): Promise<void> {
  const ip = (...args: string[]) => command('ip', args)
  await ip('-n', left, 'link', 'add', `r${i}`, 'type', 'veth', 'peer', `l${i}`, 'netns', right)
  const ends = [
    [left, `r${i}`, 1],
    [right, `l${i}`, 2],
  ] as const
  const v6 = (host: number) => `fd${octet.toString(16)}::${i + 1}:${host}`
  for (const [name, device, host] of ends) {
    await ip('-n', name, 'address', 'add', `10.${octet}.${i}.${host}/24`, 'dev', device)
    await ip('-n', name, 'address', 'add', `${v6(host)}/112`, 'dev', device, 'nodad')
    await ip('-n', name, 'link', 'set', device, 'up')
  }
  // The kernel takes a cable into use, and makes the route to an IPv6 address of its own, some time after that.
  for (const [name, device, host] of ends) {
    await until(`the route to ${v6(host)}`, async () => {
      const routes = await ip('-n', name, '-6', 'route', 'show', 'table', 'local')
      return routes.includes(`local ${v6(host)} dev ${device} `)
    })
  }
}

/** From now on each packet of the link is one segment, so that packets can be counted by anybody. */
async function unbundle(names: readonly string[], i: number): Promise<void> {
  const off = ['gso_max_segs', '1']
  await command('ip', ['-n', names[i]!, 'link', 'set', `r${i}`, ...off])
  await command('ip', ['-n', names[i + 1]!, 'link', 'set', `l${i}`, ...off])
}

interface Guests {
  readonly peers: Peer[]
  readonly programs: Program[]
}

/** Asks first: a server that is killed may leave its workers behind. */
function end(program: Program): Promise<void> {
  return new Promise((resolve) => {
    if (program.exitCode !== null || program.signalCode !== null) return resolve()
    const limit = setTimeout(() => program.kill('SIGKILL'), 5000)
    program.once('exit', () => {
      clearTimeout(limit)
      resolve()
    })
    program.kill('SIGTERM')
  })
}

function createLab(names: readonly string[], folder: string, octet: number, guests: Guests): Lab {
  const run = (at: number, file: string, ...args: string[]) =>
    command('nsenter', [`--net=/run/netns/${names[at]}`, '--', file, ...args])

  const link = (i: number, version: Version, host: number) =>
    version === 'v4' ? `10.${octet}.${i}.${host}` : `fd${octet.toString(16)}::${i + 1}:${host}`

  const nft = async (at: number, rules: string) => {
    await command('nsenter', [`--net=/run/netns/${names[at]}`, '--', 'nft', '-f', '-'], {
      input: rules,
    })
  }

  return {
    folder,
    names,
    run,
    nft,
    start: (at, file, ...args) => {
      const inside = [`--net=/run/netns/${names[at]}`, '--', file, ...args]
      const program = spawn('nsenter', inside, { stdio: ['pipe', 'pipe', 'inherit'] })
      program.stdin.on('error', () => {})
      guests.programs.push(program)
      return program
    },
    netns: (at) => {
      const path = `/run/netns/${names[at]}`
      return { path, inode: statSync(path).ino }
    },
    address: (at, version, side = at === 0 ? 'right' : 'left') =>
      side === 'right' ? link(at, version, 1) : link(at - 1, version, 2),
    nobody: (at, version) => link(at, version, 77),
    peer: async (at, name) => {
      const known = guests.peers.find((peer) => peer.at === at && peer.name === name)
      if (known) return known
      const peer = await startPeer(names[at]!, name, at)
      guests.peers.push(peer)
      return peer
    },
    sysctl: async (at, name, value) => {
      await run(at, 'sysctl', '-qw', `${name}=${value}`)
    },
    loss: (at, perMille, hook = 'input') => nft(at, lossRules(perMille, hook)),
    count: async (at) => {
      for (let i = 0; i + 1 < names.length; i++) await unbundle(names, i)
      await nft(at, counting)
    },
    packets: async (at) => {
      const text = await run(at, 'nft', '-j', 'list', 'counters', 'table', 'inet', 'weir_count')
      const { nftables } = JSON.parse(text) as { nftables: { counter?: NftCounter }[] }
      const of = (name: string) =>
        nftables.find((item) => item.counter?.name === name)?.counter?.packets ?? Number.NaN
      return { in: of('received'), out: of('sent') }
    },
    ss: async (at) => parseSs(await run(at, 'ss', '-tinHOa')),
  }
}

interface NftCounter {
  readonly name: string
  readonly packets: number
}

const lossRules = (perMille: number, hook: string) => `table inet weir_loss {
  chain ${hook} {
    type filter hook ${hook} priority 0;
    meta l4proto tcp tcp flags & rst == 0 numgen random mod 1000 < ${perMille} counter drop
  }
}`

const counting = `table inet weir_count {
  counter received { }
  counter sent { }
  chain in {
    type filter hook input priority 10;
    meta l4proto tcp counter name received
  }
  chain out {
    type filter hook output priority -10;
    meta l4proto tcp counter name sent
  }
}`
