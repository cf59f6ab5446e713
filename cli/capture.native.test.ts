// `weir capture` beside tcpdump on the same interface: tshark reads what it wrote, and finds the same frames.

import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { until } from '../common/until.fake.ts'
import { type Bpffs, mountBpffs } from '../kernel/testing/bpffs.ts'
import { frameOf, sendFrames } from '../kernel/testing/frames.ts'
import { createPair, type Pair } from '../kernel/testing/pair.ts'

const weir = fileURLToPath(new URL('../bin/weir', import.meta.url))
let pair: Pair
let bpffs: Bpffs
let folder: string
const started: ChildProcess[] = []
before(() => {
  pair = createPair()
  bpffs = mountBpffs()
  folder = mkdtempSync(join(tmpdir(), 'weir-capture-'))
})
after(() => {
  for (const child of started) child.kill('SIGKILL')
  bpffs?.remove()
  pair?.remove()
  rmSync(folder, { recursive: true, force: true })
})

const root = () => join(bpffs.folder, 'weir')
const place = () => ['-i', 'far0', '--netns', pair.far.path, '--pin-root', root()]

interface Running {
  readonly child: ChildProcess
  readonly errors: () => string
  /** What it says at its end. */
  readonly ended: Promise<string>
}

/** Resolves when the program says `ready`. */
async function start(ready: string, command: string, args: readonly string[]): Promise<Running> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  started.push(child)
  let said = ''
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString()
  })
  const ended = once(child, 'close').then(() => said)
  await until(`${command} to say ${ready}`, () => {
    if (child.exitCode !== null) throw new Error(said)
    return said.includes(ready)
  })
  return { child, errors: () => said, ended }
}

const capture = (...args: readonly string[]) =>
  start('Capturing', weir, ['capture', ...place(), ...args])

function tshark(file: string, ...fields: readonly string[]): readonly string[] {
  const args = ['-r', file, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])]
  return execFileSync('tshark', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .split('\n')
    .slice(0, -1)
}

function hasTools(t: TestContext): boolean {
  const missing = ['tshark', 'tcpdump'].find((name) => spawnSync(name, ['--version']).error)
  if (missing) t.skip(`${missing} is not installed`)
  return missing === undefined
}

const talk = `import socket, threading
s = socket.create_server(("10.77.0.2", 7003))
def serve():
  c, _ = s.accept()
  while d := c.recv(65536): c.sendall(d)
  c.close()
threading.Thread(target=serve, daemon=True).start()
print("up", flush=True)
input()`

test('tshark finds the same frames as tcpdump: lengths, times, both directions, tags', async (t) => {
  if (!hasTools(t)) return
  const [ours, theirs] = [join(folder, 'ours.pcapng'), join(folder, 'theirs.pcap')]
  const inside = [`--net=${pair.far.path}`]
  const server = spawn('nsenter', [...inside, '/usr/bin/python3', '-c', talk])
  started.push(server)
  await once(server.stdout, 'data')
  // Frames that are sent by hand pass both: what comes between the two starts and ends is not compared.
  const mark = (number: number) =>
    sendFrames(pair.near, 'near0', [frameOf({ protocol: 17, ports: [number, 4444] })])
  const dump = [
    'tcpdump',
    '-i',
    'far0',
    '-w',
    theirs,
    '--time-stamp-precision=nano',
    '-U',
    '-B',
    '16384',
    '--immediate-mode',
  ]
  const tcpdump = await start('listening', 'nsenter', [...inside, ...dump])
  const weirs = await capture('-w', ours)
  const client = `import socket
c = socket.create_connection(("10.77.0.2", 7003))
for size in (1, 1000, 100000):
  c.sendall(bytes(size))
  left = size
  while left: left -= len(c.recv(left))
c.close()`
  /** A file that is being written may end within a frame: tshark says so, and shows the others. */
  const has = (file: string, number: number) => {
    const args = ['-r', file, '-T', 'fields', '-e', 'udp.srcport']
    const { stdout } = spawnSync('tshark', args, { encoding: 'utf8' })
    return stdout.split('\n').includes(String(number))
  }
  const [first, last] = [2, 3]
  mark(first)
  pair.near.run('/usr/bin/python3', '-c', client)
  sendFrames(pair.near, 'near0', [
    frameOf({ protocol: 1, payloadBytes: 56 }),
    frameOf({ protocol: 17, ports: [5, 53], payloadBytes: 20, vlan: 100 }),
    frameOf({ protocol: 58, kind: 128, source: '2001:db8::1', destination: '2001:db8::2' }),
  ])
  mark(last)
  await until('the last frame in the file of tcpdump', () => has(theirs, last))
  tcpdump.child.kill('SIGINT')
  await tcpdump.ended
  weirs.child.kill('SIGINT')
  const said = await weirs.ended
  assert.match(said, /\d+ frames captured, 0 dropped by the kernel\n$/)

  const fields = [
    'frame.len',
    'frame.cap_len',
    'ip.src',
    'ipv6.src',
    'tcp.srcport',
    'tcp.seq_raw',
    'vlan.id',
    'udp.srcport',
  ]
  const between = (file: string) => {
    const rows = tshark(file, ...fields)
    const at = (number: number) =>
      rows.findIndex((row) => row.endsWith(`\t${number}`) && row.includes('10.77.0.1'))
    // What two CPUs see at one moment has no order.
    return rows.slice(at(first), at(last) + 1).toSorted()
  }
  const frames = between(ours)
  assert.ok(frames.length > 10, frames.join('\n'))
  assert.deepEqual(frames, between(theirs))
  const [epoch] = tshark(
    ours,
    'frame.time_epoch',
    'frame.interface_name',
    'frame.packet_flags_direction',
  )
  assert.match(epoch ?? '', /^\d{10}\.\d{9}\tfar0\t/)
  const directions = new Set(tshark(ours, 'frame.packet_flags_direction'))
  assert.equal(directions.size, 2)
  server.kill('SIGKILL')
})

test('a comment names the process and the label; filter, count and snap length hold', async (t) => {
  if (!hasTools(t)) return
  const file = join(folder, 'comments.pcapng')
  execFileSync(weir, ['xdp', 'attach', ...place(), '--mode', 'generic'])
  try {
    execFileSync(weir, [
      'rules',
      'add',
      ...place(),
      '--proto',
      'udp',
      '--port',
      '9998',
      '--label-id',
      '5',
    ])
    const listen =
      'import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(("10.77.0.2", 9998))\nprint("up", flush=True)\ninput()'
    const listener = spawn('nsenter', [`--net=${pair.far.path}`, '/usr/bin/python3', '-c', listen])
    started.push(listener)
    await once(listener.stdout, 'data')
    const running = await capture('-w', file, '-c', '3', '--snaplen', '60', 'dst_port = 9998')
    const datagram = frameOf({ protocol: 17, ports: [7, 9998], payloadBytes: 500 })
    const other = frameOf({ protocol: 17, ports: [7, 9997], payloadBytes: 500 })
    const timer = setInterval(() => sendFrames(pair.near, 'near0', [datagram, other]), 50)
    try {
      assert.match(await running.ended, /3 frames captured, 0 dropped by the kernel, \d+ left out/)
    } finally {
      clearInterval(timer)
    }
    const comment = `process=${execFileSync('ps', ['-o', 'comm=', '-p', String(listener.pid)], { encoding: 'utf8' }).trim()} pid=${listener.pid} label=5`
    assert.deepEqual(
      tshark(file, 'frame.len', 'frame.cap_len', 'udp.dstport', 'frame.comment'),
      Array(3).fill(`542\t60\t9998\t${comment}`),
    )
    listener.kill('SIGKILL')
  } finally {
    execFileSync(weir, ['xdp', 'detach', ...place()])
  }
})

test('a file that cannot be written, an interface that is not there and a filter that is wrong are refused', () => {
  const refused = (...args: readonly string[]) =>
    spawnSync(weir, ['capture', ...args], { encoding: 'utf8' })
  const unwritable = refused(...place(), '-w', '/nowhere/x.pcapng')
  assert.equal(unwritable.status, 73, unwritable.stderr)
  assert.match(unwritable.stderr, /\/nowhere\/x\.pcapng cannot be written: .*ENOENT/)
  const missing = refused('-i', 'nothere0', '-w', join(folder, 'x'))
  assert.match(missing.stderr, /nothere0/)
  assert.notEqual(missing.status, 0)
  const wrong = refused(...place(), '-w', join(folder, 'x'), 'dst_prt = 1')
  assert.match(wrong.stderr, /dst_prt.*dst_port/s)
  assert.equal(refused(...place()).status, 64)
})
