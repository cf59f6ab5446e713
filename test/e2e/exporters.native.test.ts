// Exporters that no one here wrote, on the interfaces of a real router: softflowd (IPFIX), pmacct's nfprobe (NetFlow v9,
// what comes in alone) and sfprobe (sFlow v5). What each interface carried is what nftables counted, and
// each packet counts once. Central is a process in the router's namespace.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { missing } from '../../central/export/installed.fake.ts'
import { type JsonRow, spawnWeir } from '../river.ts'
import { type Lab, type Program, until, withNamespaces } from '../traffic/mod.ts'

const datagrams = 250
const payloadBytes = 100
const port = 4714
const web = 8080
const flowsIn = 2055

/** Of one direction, at layer 3. */
interface Sum {
  readonly packets: number
  readonly bytes: number
}

interface Router {
  readonly lab: Lab
  /** Rows of view interface between client and server. */
  rows(): Promise<readonly JsonRow[]>
  /** What was forwarded, there and back. */
  truth(): Promise<Sums>
  /** Runs `work` beside exporters that look at their interfaces. */
  beside(exporters: readonly Exporter[], work: () => Promise<void>): Promise<void>
  /** Waits until a sum of rows is what was forwarded; sends other packets meanwhile, which push these out of buffers. */
  untilReported(wanted: Readonly<Record<string, unknown>>, sum: Sums): Promise<void>
}

/** There and back. */
type Sums = readonly [Sum, Sum]

interface Exporter {
  readonly command: readonly [string, ...string[]]
  readonly interface: string
}

async function withRouter(work: (router: Router) => Promise<void>): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'weir-exporters-'))
  try {
    await withNamespaces(3, async (lab) => {
      await route(lab)
      const names = ['127.0.0.1=softflowd', '127.0.0.2=nfprobe', '127.0.0.3=sfprobe']
      const flags = ['--listen', `127.0.0.1:${web}`, '--ingest', 'unix', '--data', data]
      const intake = ['--flows-in', `127.0.0.1:${flowsIn}`, '--exporters', names.join(',')]
      const central = spawnWeir(['central', ...flags, ...intake], {}, lab.netns(1).path)
      try {
        await until('central to answer', () => {
          if (central.child.exitCode !== null) throw new Error(central.output())
          return ask(lab, '/health').then(
            () => true,
            () => false,
          )
        })
        await work(routerOf(lab))
      } catch (error) {
        const by = ['node', 'interface', 'dst_port', 'protocol']
          .map((name) => `by=${name}`)
          .join('&')
        const groups = await ask(lab, `/api/top?${by}&view=interface&from=-1h`)
        const ledger = await ask(lab, '/api/ledger?stage=intake&from=-1h')
        console.error(central.output(), JSON.stringify([groups.rows, ledger.rows]))
        throw error
      } finally {
        central.child.kill('SIGTERM')
        await central.ended
      }
    })
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}

function routerOf(lab: Lab): Router {
  async function rows(): Promise<readonly JsonRow[]> {
    const path = `/api/flows?view=interface&dst_port=${port}&from=-1h&limit=10000`
    return (await ask(lab, path)).rows
  }

  async function truth(): Promise<Sums> {
    const text = await lab.run(1, 'nft', '-j', 'list', 'counters', 'table', 'inet', 'weir_truth')
    const { nftables } = JSON.parse(text) as { nftables: { counter?: Sum & { name: string } }[] }
    const of = (name: string): Sum => {
      const counter = nftables.find((one) => one.counter?.name === name)?.counter
      return { packets: counter?.packets ?? Number.NaN, bytes: counter?.bytes ?? Number.NaN }
    }
    return [of('there'), of('back')]
  }

  async function beside(exporters: readonly Exporter[], work: () => Promise<void>) {
    const programs = exporters.map(({ command: [file, ...args] }) => {
      const program = lab.start(1, file, ...args)
      program.stdout.resume()
      return program
    })
    await until('exporters to look at their interfaces', async () => {
      const gone = programs.find(({ exitCode }) => exitCode !== null)
      assert.equal(gone?.spawnargs, undefined, 'an exporter ended')
      // A socket whose protocol is still `[0]` is bound and sees nothing yet: all that it takes is `*`.
      const sockets = await lab.run(1, 'ss', '-0anH')
      return ['l0', 'r1'].every((name) => {
        const wanted = exporters.filter((one) => one.interface === name).length
        return sockets.split('\n').filter((line) => line.includes(` *:${name} `)).length >= wanted
      })
    })
    await work()
    await Promise.all(programs.map(ended))
  }

  async function untilReported(wanted: Readonly<Record<string, unknown>>, [there, back]: Sums) {
    let found: Sums | undefined
    const awaited = () => `the flows of ${JSON.stringify([wanted, found, there, back])}`
    await until(awaited, async () => {
      found = sumsOf(having(await rows(), wanted))
      if (found[0].packets >= there.packets && found[1].packets >= back.packets) return true
      await sendDatagrams(lab, port + 1, 300)
      return false
    })
    assert.deepEqual(sumsOf(having(await rows(), wanted)), [there, back], JSON.stringify(wanted))
  }

  return { lab, rows, truth, beside, untilReported }
}

/** Ends a program and what it started. */
async function ended(program: Program): Promise<void> {
  const { pid } = program
  const list = `/proc/${pid}/task/${pid}/children`
  const children = existsSync(list) ? readFileSync(list, 'utf8').trim().split(' ') : []
  const exit = once(program, 'exit')
  // pmacct ends its plugins by this one alone.
  program.kill('SIGINT')
  const limit = setTimeout(() => program.kill('SIGKILL'), 20_000)
  await exit
  clearTimeout(limit)
  const plugins = children.filter(Boolean).map(Number)
  await until('its plugins to have ended', () => plugins.every((one) => !isRunning(one)))
}

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readStatus(pid))
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return 'State: Z'
  }
}

async function route(lab: Lab): Promise<void> {
  // From now on each packet is one segment, so that everybody counts the same packets.
  await lab.count(1)
  await lab.sysctl(1, 'net.ipv4.ip_forward', 1)
  await lab.run(0, 'ip', 'route', 'add', 'default', 'via', lab.address(1, 'v4', 'left'))
  await lab.run(2, 'ip', 'route', 'add', 'default', 'via', lab.address(1, 'v4', 'right'))
  await lab.nft(
    1,
    `table inet weir_truth {
  counter there { }
  counter back { }
  chain forward {
    type filter hook forward priority 0;
    iifname "l0" th dport ${port} counter name there
    iifname "r1" th sport ${port} counter name back
  }
}`,
  )
}

/** Asks central, from inside its namespace. */
async function ask(lab: Lab, path: string): Promise<{ readonly rows: readonly JsonRow[] }> {
  const script = `fetch('http://127.0.0.1:${web}${path}').then((r) => r.text()).then(console.log)`
  return JSON.parse(await lab.run(1, process.execPath, '-e', script))
}

/** A connection with octets in both directions, and datagrams whose number and length are known. */
async function talk(lab: Lab): Promise<void> {
  const address = lab.address(2, 'v4', 'left')
  const net = "const net = require('node:net');"
  const serve = `${net} net.createServer((s) => s.end('y'.repeat(70000)).resume()).listen(${port}, () => console.log('ready'))`
  const server = lab.start(2, process.execPath, '-e', serve)
  await once(server.stdout, 'data')
  const client = `${net} net.connect(${port}, '${address}').on('data', () => {}).end('x'.repeat(9000))`
  await lab.run(0, process.execPath, '-e', client)
  await sendDatagrams(lab, port, datagrams)
}

async function sendDatagrams(lab: Lab, to: number, count: number): Promise<void> {
  const lines = [
    'import socket',
    's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
    `for _ in range(${count}): s.sendto(bytes(${payloadBytes}), ("${lab.address(2, 'v4', 'left')}", ${to}))`,
  ]
  await lab.run(0, '/usr/bin/python3', '-c', lines.join('\n'))
}

/** There and back, of rows. */
function sumsOf(rows: readonly JsonRow[]): Sums {
  const sum = (name: string) => rows.reduce((total, row) => total + Number(row[name]), 0)
  return [
    { packets: sum('packets'), bytes: sum('bytes') },
    { packets: sum('reverse_packets'), bytes: sum('reverse_bytes') },
  ]
}

const having = (rows: readonly JsonRow[], wanted: Readonly<Record<string, unknown>>) =>
  rows.filter((row) => Object.entries(wanted).every(([name, value]) => row[name] === value))

/** What counts is what was forwarded, the datagrams among it whose number and length are known. */
async function assertCounted(router: Router, truth: Sums): Promise<void> {
  await router.untilReported({ counted: true }, truth)
  const [there] = sumsOf(having(await router.rows(), { protocol: 'udp', counted: true }))
  assert.deepEqual(there, { packets: datagrams, bytes: datagrams * (payloadBytes + 28) })
  const rows = await until('the ledger of the intake', async () => {
    const { rows: lines } = await ask(router.lab, '/api/ledger?from=-1h&stage=intake')
    return lines.length > 0 && lines
  })
  assert.deepEqual(
    rows.filter(({ lost }) => lost !== 0),
    [],
  )
}

/** It locks itself into a folder of /run, which its service would make: here one that only it sees. */
const inItsFolder = [
  'unshare',
  '--mount',
  'sh',
  '-c',
  'mount -t tmpfs run /run && mkdir -p /run/softflowd/chroot && exec "$@"',
  'sh',
] as const

/** An exporter at each of both interfaces, as one node: what passes is reported twice. */
function softflowds(folder: string): readonly Exporter[] {
  return ['l0', 'r1'].map((name, index) => {
    const control = ['-p', join(folder, `${name}.pid`), '-c', 'none']
    const often = ['-t', 'maxlife=1', '-t', 'expint=1']
    const target = ['-n', `127.0.0.1:${flowsIn}`, '-v', '10']
    const where = ['-d', '-i', `${index + 1}:${name}`, ...target, ...control, ...often]
    return { command: [...inItsFolder, 'softflowd', ...where], interface: name }
  })
}

test(
  'IPFIX: softflowd at two interfaces of a router: each has all packets, and they count once',
  {
    skip: missing('softflowd'),
  },
  () =>
    withRouter((router) =>
      router.beside(softflowds(router.lab.folder), async () => {
        await talk(router.lab)
        const truth = await router.truth()
        for (const index of ['1', '2']) {
          await router.untilReported({ node: 'softflowd', interface: index }, truth)
        }
        await assertCounted(router, truth)
      }),
    ),
)

/** pmacct at one interface, its plugin configured by `lines`. */
function pmacctd(folder: string, name: string, lines: readonly string[]): Exporter {
  const file = join(folder, `${lines[0]?.replaceAll(/\W/g, '')}-${name}.conf`)
  const own = ['daemonize: false', `pcap_interface: ${name}`, ...lines]
  writeFileSync(file, `${own.join('\n')}\n`)
  return { command: ['pmacctd', '-f', file], interface: name }
}

function pmacctds(folder: string): readonly Exporter[] {
  const target = `127.0.0.1:${flowsIn}`
  const nfprobes = ['l0', 'r1'].map((name, index) =>
    pmacctd(folder, name, [
      'plugins: nfprobe[in]',
      'pcap_direction: in',
      `nfprobe_receiver: ${target}`,
      'nfprobe_version: 9',
      'nfprobe_timeouts: tcp=1:tcp.rst=1:tcp.fin=1:udp=1:maxlife=1:expint=1',
      'nfprobe_source_ip: 127.0.0.2',
      'nfprobe_direction[in]: in',
      `nfprobe_ifindex[in]: ${index + 1}`,
      `nfprobe_engine: ${index + 1}`,
    ]),
  )
  const sfprobe = pmacctd(folder, 'l0', [
    'plugins: sfprobe',
    `sfprobe_receiver: ${target}`,
    'sfprobe_agentip: 127.0.0.3',
    'sfprobe_source_ip: 127.0.0.3',
    'sampling_rate: 1',
  ])
  return [...nfprobes, sfprobe]
}

test(
  'pmacct: what comes in at each interface by NetFlow, every packet by sFlow, each counts once',
  {
    skip: missing('pmacctd'),
  },
  () =>
    withRouter((router) =>
      router.beside(pmacctds(router.lab.folder), async () => {
        await talk(router.lab)
        const [there, back] = await router.truth()
        const nothing = { packets: 0, bytes: 0 }
        await router.untilReported({ node: 'nfprobe', interface: '1' }, [there, nothing])
        await router.untilReported({ node: 'nfprobe', interface: '2' }, [nothing, back])
        await router.untilReported({ node: 'sfprobe' }, [there, back])
        await assertCounted(router, [there, back])
      }),
    ),
)
