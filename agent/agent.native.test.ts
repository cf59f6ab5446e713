// The agent on the real kernel: traffic of a namespace of its own → rows that equal what the programs sent,
// read from the frames by the engine; and a kill -9 after which increments go on.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { query } from 'chdb'
import { createReporter } from '../common/reporter/mod.ts'
import { until } from '../common/until.fake.ts'
import { createNamespace, type Namespace, type Peers, startPeers } from '../kernel/testing/peers.ts'
import { type Row, rowOf } from '../wire/mod.ts'
import { createAgent } from './agent.ts'
import { createLocalAgent } from './local.ts'
import { type FakeCentral, startFakeCentral } from './stream/fake.ts'

interface Truth {
  readonly client_port: number
  readonly server_port: number
  readonly up: number
  readonly down: number
  readonly pid: number
}

const reporter = createReporter('test', { level: 'fatal' })
let folder: string
let namespace: Namespace
let peers: Peers

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-agent-'))
  namespace = createNamespace()
  peers = startPeers(namespace)
})

after(async () => {
  await peers.stop()
  namespace.remove()
  rmSync(folder, { recursive: true, force: true })
})

test('an agent that no central has answered measures nothing, says so, and begins with the first answer', async () => {
  const path = join(folder, 'later.sock')
  const config = { node: 'early', dataDir: join(folder, 'early'), upstream: { path } }
  const filter = { netns: namespace.inode }
  const agent = createAgent({ ...config, filter, intervalMs: 200 }, reporter)
  await agent.start()
  try {
    const { status, message } = agent.health()
    assert.deepEqual([status, agent.probes()], ['failing', []])
    assert.match(message, /^central has not answered yet: nothing is measured/)
    const central = await startFakeCentral(path)
    try {
      await until('the agent to watch', () => agent.probes().length > 0)
      const { status, message } = agent.health()
      assert.deepEqual([status, message], ['ok', ''])
    } finally {
      await central.stop()
    }
  } finally {
    await agent.stop()
  }
})

test('an agent of which one probe does not open runs with the others, and says which and why', async () => {
  const path = join(folder, 'partly.sock')
  const central = await startFakeCentral(path)
  const config = { node: 'partly', dataDir: join(folder, 'partly'), upstream: { path } }
  const noPowerOfTwo = 12_288 // of the ring that the socket probe alone has
  const filter = { netns: namespace.inode }
  const agent = createAgent(
    { ...config, filter, intervalMs: 200, ringBytes: noPowerOfTwo },
    reporter,
  )
  try {
    await agent.start()
    await until('the agent to watch', () => agent.probes().length > 0)
    assert.deepEqual(
      agent.probes().map(({ probe }) => probe),
      ['drop'],
    )
    const [failed, ...more] = agent.failedProbes()
    assert.deepEqual([failed?.probe, failed?.code, more], ['socket', 'ring_size', []])
    const { status, message } = agent.health()
    assert.equal(status, 'failing')
    assert.match(message, /^the socket probe is not open: .*12288/)
  } finally {
    await agent.stop()
    await central.stop()
  }
})

test('the local agent: rows equal the truth, both ends joined, the ledger balances', async () => {
  const flows: Row[] = []
  const events: Row[] = []
  const ledger: Row[] = []
  const old = await peers.ask<Truth>('keep', { up: 1000, down: 10 })
  const agent = createLocalAgent(
    { node: 'test', intervalMs: 200, filter: { netns: namespace.inode }, ringBytes: 65_536 },
    reporter,
    (batch) => {
      const to = { flows, events, ledger }[batch.table.name]
      for (let row = 0; row < batch.length; row++) to?.push(rowOf(batch, row))
    },
  )
  await agent.start()
  try {
    const first = flows.filter((row) => row['src_port'] === old.client_port)
    assert.deepEqual(
      first.map((row) => [row['bytes'], row['total_bytes'], row['opened'], row['observer']]),
      [[0, 1000, 0, 'both']],
    )
    await peers.ask('more', { port: old.client_port, up: 500, down: 7 })
    for (const how of ['client', 'server', 'client_abort', 'server_half']) {
      const truth = await peers.ask<Truth>('exchange', { how, up: 3_000_000, down: 70_000 })
      const rows = await until(`the end of ${how}`, () => {
        const found = flows.filter((row) => row['src_port'] === truth.client_port)
        return found.some((row) => row['end'] !== null) && found
      })
      assertTruth(rows, truth, how)
      const byKind = Map.groupBy(events, ({ kind }) => kind)
      assertEvents(byKind.get('connection') ?? [], rows, truth)
      if (how === 'client_abort') assertResets(await resetsOf(events, truth), rows, truth)
    }
    const isOld = (row: Row) => row['src_port'] === old.client_port && row['kind'] === 'connection'
    const older = events.filter(isOld)
    assert.deepEqual(older, [], 'it was open before: nothing is known of its begin')
    const sum = () => sumOf(flows, old.client_port, 'bytes')
    await until('the increment of the old one', () => sum() === 500)
  } finally {
    await agent.stop()
  }
  assertBalance(ledger)
  const counted = ledger.filter((row) => row['table'] === 'events' && row['cause'] === '')
  assert.equal(
    counted.reduce((sum, row) => sum + Number(row['left']), 0),
    events.length,
  )
})

/** One connect(), one accept(), two ends that closed; times in their order, and those of the flow. */
function assertEvents(events: readonly Row[], flows: readonly Row[], truth: Truth): void {
  const own = events.filter((row) => row['src_port'] === truth.client_port)
  assert.deepEqual(own.map(({ phase, observer }) => `${phase} ${observer}`).toSorted(), [
    'attempt src',
    'closed dst',
    'closed src',
    'established dst',
  ])
  const at = (phase: string) => own.find((row) => row['phase'] === phase) as Row
  const [attempt, accepted, closed] = [at('attempt'), at('established'), at('closed')]
  assert.deepEqual([attempt['result'], attempt['errno']], ['established', ''])
  assert.deepEqual([attempt['src_pid'], accepted['dst_pid']], [truth.pid, truth.pid])
  assert.ok(`${attempt['time']}` <= `${accepted['time']}`)
  assert.ok(`${accepted['time']}` <= `${closed['time']}`)
  const ids = new Set([...own, ...flows].map((row) => row['connection_id']))
  assert.equal(ids.size, 1, 'events and flows name one connection')
  const end = flows.find((row) => row['end'] !== null)?.['end']
  const ends = own.filter(({ phase }) => phase === 'closed').map((row) => `${row['time']}`)
  assert.equal(ends.toSorted().at(-1), end)
}

/** Another probe reports them, which a snapshot reads at another moment: perhaps with the next interval. */
function resetsOf(events: readonly Row[], truth: Truth): Promise<readonly Row[]> {
  return until('both resets', () => {
    const own = events.filter(
      (row) => row['kind'] === 'reset' && row['src_port'] === truth.client_port,
    )
    return own.length >= 2 && own
  })
}

/** The client sends one reset and the server gets it: both are of the connection, and name both processes. */
function assertResets(own: readonly Row[], flows: readonly Row[], truth: Truth): void {
  assert.deepEqual(own.map(({ direction }) => direction).toSorted(), ['received', 'sent'])
  for (const reset of own) {
    assert.equal(reset['connection_id'], flows[0]?.['connection_id'])
    assert.deepEqual([reset['src_pid'], reset['dst_pid']], [truth.pid, truth.pid])
  }
}

function assertTruth(rows: readonly Row[], truth: Truth, how: string): void {
  const last = rows.at(-1) as Row
  assert.equal(sumOf(rows, truth.client_port, 'bytes'), truth.up, how)
  assert.equal(sumOf(rows, truth.client_port, 'reverse_bytes'), truth.down, how)
  assert.equal(sumOf(rows, truth.client_port, 'opened'), 1, how)
  assert.equal(last['observer'], 'both', how)
  assert.equal(last['dst_port'], truth.server_port, how)
  assert.deepEqual([last['src_pid'], last['dst_pid']], [truth.pid, truth.pid], how)
  assert.equal(last['end_reason'], how === 'client_abort' ? 'reset_by_src' : 'closed', how)
  assert.equal(new Set(rows.map((row) => row['connection_id'])).size, 1, how)
  assert.equal(last['direction_known'], true, how)
}

/** Of all intervals together: what entered a stage left it, was filtered or lost, or waits. */
function assertBalance(ledger: readonly Row[]): void {
  for (const stage of ['hook', 'drain', 'enrich']) {
    const rows = ledger.filter((row) => row['stage'] === stage && row['cause'] === '')
    const sum = (name: string) => rows.reduce((total, row) => total + Number(row[name]), 0)
    const out = sum('left') + sum('filtered') + sum('lost') + Number(rows.at(-1)?.['waiting'])
    assert.ok(sum('entered') > 0, stage)
    assert.equal(sum('entered'), out, stage)
    assert.equal(sum('lost'), 0, stage)
  }
}

function sumOf(rows: readonly Row[], port: number, field: string): number {
  return rows
    .filter((row) => row['src_port'] === port)
    .reduce((sum, row) => sum + Number(row[field]), 0)
}

// Each program of Node 24 was `MainThread`.
test('programs of interpreters are named by their script', async () => {
  const flows: Row[] = []
  const agent = createLocalAgent(
    { node: 'test', intervalMs: 200, filter: { netns: namespace.inode }, ringBytes: 65_536 },
    reporter,
    (batch) => {
      if (batch.table.name !== 'flows') return
      for (let row = 0; row < batch.length; row++) flows.push(rowOf(batch, row))
    },
  )
  writeFileSync(
    join(folder, 'town-crier.mjs'),
    `import net from 'node:net'
    const server = net.createServer((one) => one.resume())
    server.listen(7020, '127.0.0.1', () => net.connect(7020, '127.0.0.1').write('secret'))`,
  )
  const program = [`--net=${namespace.path}`, process.execPath, 'town-crier.mjs', '--key', 'secret']
  // First the agent: of a connection that is accepted while it looks for the first time one end has no process yet.
  await agent.start()
  const child = spawn('nsenter', program, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  try {
    await until('a row', () => flows.some((row) => row['dst_port'] === 7020))
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
    await agent.stop()
  }
  const rows = flows.filter((row) => row['dst_port'] === 7020)
  for (const row of rows) {
    assert.deepEqual([row['src_process'], row['dst_process']], ['town-crier.mjs', 'town-crier.mjs'])
  }
})

test('killed with -9 and started again, increments sum to the truth', async () => {
  const socket = join(folder, 'ingest.sock')
  const central = await startFakeCentral(socket)
  const connection = await peers.ask<Truth>('keep', { up: 100, down: 10 })
  const port = connection.client_port
  let agent = await startAgent(socket)
  try {
    await until('the first total', () => lastTotal(central, port) === 100)
    let sent = 0
    for (let life = 0; life < 4; life++) {
      for (let step = 0; step < 5; step++) {
        await peers.ask('more', { port, up: 1000, down: 1 })
        sent += 1000
        if (step === 2) await until('a row', () => lastTotal(central, port) > 100)
      }
      await kill(agent)
      await peers.ask('more', { port, up: 50, down: 0 })
      sent += 50
      agent = await startAgent(socket)
    }
    await until('all octets', () => lastTotal(central, port) === 100 + sent)
    const rows = rowsOf(central, port)
    assert.equal(
      rows.reduce((sum, row) => sum + row.bytes, 0),
      sent,
    )
    assert.equal(new Set(rows.map((row) => row.connection_id)).size, 1)
    const sequences = central.frames.map(({ header }) => header.sequence)
    assert.deepEqual(
      sequences,
      sequences.toSorted((a, b) => a - b),
    )
  } finally {
    await kill(agent)
    await central.stop()
  }
})

interface StoredRow {
  readonly bytes: number
  readonly total_bytes: number
  readonly connection_id: string
}

/** Rows of one connection in all frames, as the engine reads them. */
function rowsOf(central: FakeCentral, port: number): StoredRow[] {
  return central.frames
    .filter(({ header }) => header.table.name === 'flows')
    .flatMap(({ block }) => {
      const file = join(folder, 'block.native')
      writeFileSync(file, block)
      const text = query(
        `SELECT toFloat64(bytes) AS bytes, toFloat64(total_bytes) AS total_bytes, toString(connection_id) AS connection_id
          FROM file('${file}', 'Native') WHERE src_port = ${port}`,
        'JSONEachRow',
      ).trim()
      return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as StoredRow)
    })
}

function lastTotal(central: FakeCentral, port: number): number {
  return rowsOf(central, port).at(-1)?.total_bytes ?? 0
}

async function startAgent(socket: string): Promise<ChildProcess> {
  const entry = fileURLToPath(new URL('../cli/main.ts', import.meta.url))
  const child = spawn(
    process.execPath,
    [
      entry,
      'agent',
      ...['--data', join(folder, 'data'), '--upstream', `unix:${socket}`, '--interval', '200ms'],
      ...['--netns', String(namespace.inode), '--metrics', 'off'],
    ],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  )
  const [ready] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => [{ type: `exit ${code}` }]),
  ])) as [{ type: string }]
  assert.equal(ready.type, 'ready')
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
