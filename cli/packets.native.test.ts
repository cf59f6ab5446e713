// `weir log` and `weir trace`, under Weir's name and those of the systems that they come from, with known traffic between
// two namespaces: the text is golden, and nothing is left however a command ends.

import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { until } from '../common/until.fake.ts'
import { type Bpffs, mountBpffs } from '../kernel/testing/bpffs.ts'
import { type FramePlan, frameOf, sendFrames } from '../kernel/testing/frames.ts'
import { createPair, type Pair } from '../kernel/testing/pair.ts'

const bin = fileURLToPath(new URL('../bin', import.meta.url))
let pair: Pair
let bpffs: Bpffs
let root: string
before(() => {
  pair = createPair()
  bpffs = mountBpffs()
  root = join(bpffs.folder, 'weir')
})
const started: ChildProcess[] = []
after(() => {
  for (const child of started) child.kill('SIGKILL')
  bpffs?.remove()
  pair?.remove()
})

const place = () => ['--interface', 'far0', '--netns', pair.far.path, '--pin-root', root]

/** The programs that iproute2 sees on far0. */
const isAttached = () => pair.far.run('ip', '-d', 'link', 'show', 'far0').includes('prog/xdp')

function weir(program: string, ...args: readonly string[]): string {
  const env = { ...process.env, SSH_CONNECTION: '' }
  return execFileSync(join(bin, program), args, { encoding: 'utf8', timeout: 60_000, env })
}

interface Running {
  readonly child: ChildProcess
  readonly lines: () => readonly string[]
  readonly errors: () => string
  /** Resolves with the exit code, or the signal. */
  end(signal: NodeJS.Signals): Promise<number | string>
}

/** Resolves when the command looks on. */
async function start(program: string, ...args: readonly string[]): Promise<Running> {
  const child = spawn(join(bin, program), args, { stdio: ['ignore', 'pipe', 'pipe'] })
  started.push(child)
  const texts = { out: '', err: '' }
  child.stdout.on('data', (text: Buffer) => (texts.out += text.toString()))
  child.stderr.on('data', (text: Buffer) => (texts.err += text.toString()))
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const running: Running = {
    child,
    lines: () => texts.out.split('\n').slice(0, -1),
    errors: () => texts.err,
    end: async (signal) => {
      child.kill(signal)
      const [code, by] = await exited
      return code ?? `${by}`
    },
  }
  await untilSaid(running, 'the command to look on', () => texts.err.includes('Ctrl'))
  return running
}

async function untilSaid(running: Running, what: string, holds: () => boolean): Promise<void> {
  await until(what, () => {
    if (running.child.exitCode !== null) {
      throw new Error(`it ended: ${running.lines().join('\n')}\n${running.errors()}`)
    }
    return holds()
  })
}

/** `weir log` by the process's namespace, once that process is in it. */
async function untilInside(inside: ChildProcess, place: readonly string[]): Promise<string> {
  const netns = () => statSync(`/proc/${inside.pid}/ns/net`).ino
  await until('it to be inside', () => netns() === pair.far.inode)
  return weir('weir', 'log', ...place)
}

const [icmp, tcp, udp, icmpv6] = [1, 6, 17, 58]
const six = { source: '2001:db8::1', destination: '2001:db8::2' }
/** A ping, a datagram, a SYN, a ping of IPv6, and ARP: what the golden texts are of. */
const known: readonly FramePlan[] = [
  { protocol: icmp, payloadBytes: 56 },
  { protocol: udp, ports: [40_000, 53], payloadBytes: 30 },
  { protocol: tcp, ports: [40_001, 443], kind: 2 },
  { ...six, protocol: icmpv6, kind: 128, payloadBytes: 56 },
  { ...six, protocol: tcp, ports: [40_002, 80], kind: 2 },
]
const arp = Buffer.from(`0200000000020200000000010806000108000604${'00'.repeat(22)}`, 'hex')
const sendKnown = () => sendFrames(pair.near, 'near0', [...known.map(frameOf), arp])

/** Lines with what differs from run to run as #. */
function golden(lines: readonly string[]): readonly string[] {
  return lines.map((line) =>
    line
      .replace(/timestamp=\d{19} ifindex=\d+/, 'timestamp=# ifindex=#')
      .replace(/^ *(?:<idle>|\S.{0,15}?)-\d+ +\[\d{3}\] \.\.s1\. +\d+\.\d{6}:/, '# [#] ..s1. #:'),
  )
}

const tail = (v4: string, v6 = '') => `${v4}${v6}`
const logged = [
  `timestamp=# ifindex=# queue=0 len=98 action=2 label_id=0 addr_family=2 ip_proto=1 src_port=0 dst_port=0 ${tail('src_ipv4=10.77.0.1 dst_ipv4=10.77.0.2')}`,
  'timestamp=# ifindex=# queue=0 len=72 action=2 label_id=7 addr_family=2 ip_proto=17 src_port=40000 dst_port=53 src_ipv4=10.77.0.1 dst_ipv4=10.77.0.2',
  'timestamp=# ifindex=# queue=0 len=54 action=1 label_id=8 addr_family=2 ip_proto=6 src_port=40001 dst_port=443 src_ipv4=10.77.0.1 dst_ipv4=10.77.0.2',
  'timestamp=# ifindex=# queue=0 len=118 action=2 label_id=0 addr_family=10 ip_proto=58 src_port=0 dst_port=0 src_ipv4=- dst_ipv4=- src_ipv6=2001:db8::1 dst_ipv6=2001:db8::2',
  'timestamp=# ifindex=# queue=0 len=74 action=2 label_id=0 addr_family=10 ip_proto=6 src_port=40002 dst_port=80 src_ipv4=- dst_ipv4=- src_ipv6=2001:db8::1 dst_ipv6=2001:db8::2',
  'timestamp=# ifindex=# queue=0 len=42 action=2 label_id=0 addr_family=0 ip_proto=0 src_port=0 dst_port=0 src_ipv4=- dst_ipv4=-',
]

test('xdt: attach, add, list, log and detach as its users type them', async () => {
  const at = ['-i', 'far0', '--netns', pair.far.path, '-p', root]
  assert.match(weir('xdt', 'attach', ...at, '-m', 'skb', '--object', 'x.o'), /^attached to far0: /)
  try {
    const empty = weir('xdt', 'list', ...at)
    assert.equal(empty, 'Rules on far0:\n  (no entries)\n')
    weir('weir', 'rules', 'add', ...at, '--proto', 'udp', '--label-id', '7')
    weir(
      'weir',
      'rules',
      'add',
      ...at,
      '--proto',
      'tcp',
      '--port',
      '443',
      '--action',
      'drop',
      '--label-id',
      '8',
    )
    for (const program of ['xdt', 'weir']) {
      const log = await start(program, 'log', ...at, '-f')
      sendKnown()
      await untilSaid(log, 'six lines', () => golden(log.lines()).length === 6)
      assert.deepEqual(golden(log.lines()), logged)
      assert.equal(await log.end('SIGINT'), 0)
    }
    assert.equal(isAttached(), true, 'what was attached stays')
    const inside = spawn('nsenter', [`--net=${pair.far.path}`, 'sleep', '100'])
    started.push(inside)
    const byPid = ['-i', 'far0', '--netns-pid', `${inside.pid}`, '-p', root]
    assert.match(await untilInside(inside, byPid), /timestamp=|No events available on far0\./)
    const add = [
      'add',
      ...at,
      '--cidr',
      '192.0.2.9/24',
      '--cidr',
      '198.51.100.0/24',
      '--label-id',
      '3',
    ]
    weir('xdt', ...add, '--action', 'drop')
    assert.throws(() => weir('xdt', ...add, '--action', 'pass'), /198\.51\.100\.0|192\.0\.2\.0/)
    weir('xdt', ...add, '--action', 'pass', '--replace')
    assert.deepEqual(
      weir('xdt', 'list', ...at.map((word) => (word === '-i' ? '-f' : word))).split('\n'),
      [
        'Rules on far0:',
        'label_id=3',
        '  action=pass (2) cidr=192.0.2.0/24',
        '  action=pass (2) cidr=198.51.100.0/24',
        'label_id=7',
        '  action=pass (2) cidr=any',
        'label_id=8',
        '  action=drop (1) cidr=any',
        '',
      ],
    )
    const last = await start('weir', 'log', ...at, '-f')
    weir('xdt', 'detach', ...at)
    // What it said may still be in the pipe when it has exited.
    assert.deepEqual(await once(last.child, 'close'), [0, null], 'it ends with the program')
    assert.match(last.errors(), /the program is no longer on far0/)
  } finally {
    if (isAttached()) weir('xdt', 'detach', ...at)
  }
  assert.equal(isAttached(), false)
})

const raw = 'bpf_trace_printk: Raw network packets:'

test('xguard: a kernel trace has a line for each packet, with its address the right way round', async () => {
  const trace = await start('xguard', ...place(), '--kernel-trace')
  assert.equal(isAttached(), true)
  sendKnown()
  await untilSaid(trace, 'six lines', () => golden(trace.lines()).length === 6)
  assert.deepEqual(golden(trace.lines()), [
    `# [#] ..s1. #: ${raw} eth_type=0x800 src_ip=10.77.0.1 protocol=1`,
    `# [#] ..s1. #: ${raw} eth_type=0x800 src_ip=10.77.0.1 protocol=17`,
    `# [#] ..s1. #: ${raw} eth_type=0x800 src_ip=10.77.0.1 protocol=6`,
    `# [#] ..s1. #: ${raw} eth_type=0x86dd src_ip=2001:db8::1 protocol=58`,
    `# [#] ..s1. #: ${raw} eth_type=0x86dd src_ip=2001:db8::1 protocol=6`,
    `# [#] ..s1. #: ${raw} eth_type=0x806 src_ip=- protocol=0`,
  ])
  assert.equal(await trace.end('SIGTERM'), 0)
  assert.equal(isAttached(), false)
})

test('xguard: every source once with all its hits, also of 3,000 sources, and only of the protocol', async () => {
  const trace = await start('xguard', ...place(), '--userspace-trace')
  sendKnown()
  sendKnown()
  const expected = [
    'eth_type=IPv6, src_ip=2001:db8::1, protocol=TCP, hits=2',
    'eth_type=IPv6, src_ip=2001:db8::1, protocol=ICMPv6, hits=2',
    'eth_type=IPv4, src_ip=10.77.0.1, protocol=ICMP, hits=2',
    'eth_type=IPv4, src_ip=10.77.0.1, protocol=TCP, hits=2',
    'eth_type=IPv4, src_ip=10.77.0.1, protocol=UDP, hits=2',
  ]
  const latest = (running: Running) => new Set(golden(running.lines()).slice(-5))
  await untilSaid(trace, 'all hits', () => expected.every((line) => latest(trace).has(line)))
  const many = Array.from({ length: 3000 }, (_, at) =>
    frameOf({ protocol: udp, source: `10.78.${at >> 8}.${at & 255}` }),
  )
  const pings = await start('xguard', ...place(), '--icmp', '--userspace-trace')
  assert.match(pings.errors(), /^reading far0/, 'a second trace reads what the first has attached')
  sendFrames(pair.near, 'near0', many)
  const distinct = () =>
    new Set(
      trace.lines().flatMap((line) => /src_ip=(10\.78\.[\d.]+), .*hits=1$/.exec(line)?.[1] ?? []),
    )
  await untilSaid(trace, '3,000 sources', () => distinct().size === 3000)
  sendKnown()
  const ofPings = [
    'eth_type=IPv6, src_ip=2001:db8::1, protocol=ICMPv6, hits=1',
    'eth_type=IPv4, src_ip=10.77.0.1, protocol=ICMP, hits=1',
  ]
  await untilSaid(pings, 'pings', () => golden(pings.lines()).length >= 2)
  assert.deepEqual(new Set(golden(pings.lines())), new Set(ofPings))

  const closed = once(pings.child, 'close')
  assert.equal(await trace.end('SIGKILL'), 'SIGKILL')
  const [code] = await closed
  assert.equal(code, 0, 'it ends with the program that it read')
  assert.match(pings.errors(), /the program is no longer on far0/)
  assert.equal(isAttached(), false, 'kill -9 leaves nothing')
})

test('both modes, none, and two protocols are mistakes that attach nothing', () => {
  for (const args of [
    ['--kernel-trace', '--userspace-trace'],
    [],
    ['--kernel-trace', '--tcp', '--udp'],
  ]) {
    assert.throws(() => weir('weir', 'trace', ...place(), ...args), { status: 64 })
  }
  assert.equal(isAttached(), false)
})
