// Central as a process with the real engine: kill -9 of it and of its worker while frames come, a full disk,
// two on one folder.

import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { until } from '../common/until.fake.ts'
import { connectFake, type FakeAgent, rowOfNow } from './ingest/agent.fake.ts'

const entry = fileURLToPath(new URL('../cli/main.ts', import.meta.url))
const agentId = 'aaaaaaaa-0000-4000-8000-00000000000a'
const rowsPerFrame = 20

interface Running {
  readonly process: ChildProcess
  readonly url: string
}

async function startCentral(dataDir: string): Promise<Running> {
  const flags = ['--data', dataDir, '--listen', '127.0.0.1:0', '--ingest', 'unix']
  const child = fork(entry, ['central', ...flags], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let errors = ''
  child.stderr?.on('data', (text) => {
    errors += text
  })
  const news = await Promise.race([
    once(child, 'message').then(([message]) => message as { url: string }),
    once(child, 'exit').then(([code]) => assert.fail(`central ended with ${code}: ${errors}`)),
  ])
  return { process: child, url: news.url }
}

async function kill(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}

/** The one child of central: the storage worker. */
function workerOf(central: Running): number {
  const pid = central.process.pid
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0])
}

interface Totals {
  readonly connections: number
  readonly opened: number
  readonly bytes: number
}

async function totalsOf(central: Running): Promise<Totals> {
  const response = await fetch(`${central.url}/api/top?by=node&from=-1h`)
  const answer = (await response.json()) as { rows: Totals[] }
  assert.equal(response.status, 200, JSON.stringify(answer))
  return answer.rows[0] ?? { connections: 0, opened: 0, bytes: 0 }
}

function sendFrame(agent: FakeAgent, sequence: number): void {
  const first = sequence * rowsPerFrame
  const rows = Array.from({ length: rowsPerFrame }, (_, at) => rowOfNow(first + at))
  agent.sendFrame(sequence, rows)
}

/** An agent's loop in small: sends what is not acknowledged, four at a time, comes again when cut off. */
async function deliver(path: string, acked: Set<number>, last: number, limitMs = 120_000) {
  const deadline = Date.now() + limitMs
  while (acked.size < last) {
    assert.ok(Date.now() < deadline, `${acked.size} of ${last} frames within ${limitMs} ms`)
    const agent = connectFake({ path }, { id: agentId })
    while (!agent.isWelcome() && !agent.isClosed()) await delay(5)
    while (!agent.isClosed() && acked.size < last) {
      const due: number[] = []
      for (let n = 1; n <= last && due.length < 4; n++) if (!acked.has(n)) due.push(n)
      const before = agent.acked.length
      for (const sequence of due) sendFrame(agent, sequence)
      while (!agent.isClosed() && agent.acked.length < before + due.length) await delay(5)
      for (const sequence of agent.acked) acked.add(sequence)
    }
    agent.close()
    await delay(20)
  }
}

test('an answer that is still right is not sent again, until there are rows that it lacks', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-central-'))
  const central = await startCentral(folder)
  try {
    const url = `${central.url}/api/top?by=node&from=-1h`
    const acked = new Set<number>()
    const socket = join(folder, 'ingest.sock')
    await deliver(socket, acked, 1)
    // A tag is good for a quarter of a minute at most, which may end between two questions.
    const tag = await until('an answer that is known again', async () => {
      const known = String((await fetch(url)).headers.get('etag'))
      const again = await fetch(url, { headers: { 'if-none-match': known } })
      await again.arrayBuffer()
      return again.status === 304 && known
    })
    await deliver(socket, acked, 2)
    await until('an answer with the rows of both frames', async () => {
      const newer = await fetch(url, { headers: { 'if-none-match': tag } })
      if (newer.status === 304) return false
      const { rows } = (await newer.json()) as { rows: Totals[] }
      return rows[0]?.connections === 2 * rowsPerFrame
    })
  } finally {
    await kill(central.process, 'SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  }
})

test('kill -9 of central and of its worker: every acknowledged row is there, once', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'weir-central-'))
  const path = join(dataDir, 'ingest.sock')
  let central = await startCentral(dataDir)
  try {
    const acked = new Set<number>()
    let last = 0
    for (const victim of ['worker', 'central', 'worker', 'central']) {
      last += 6
      const delivered = deliver(path, acked, last)
      // In the middle: after the first ACKs, while the rest is on its way.
      const some = last - 3
      while (acked.size < some) await delay(2)
      if (victim === 'worker') process.kill(workerOf(central), 'SIGKILL')
      else {
        await kill(central.process, 'SIGKILL')
        central = await startCentral(dataDir)
      }
      await delivered
    }
    const rows = last * rowsPerFrame
    const expected = { connections: rows, opened: rows, bytes: rows * 10 }
    const deadline = Date.now() + 60_000
    let found = await totalsOf(central)
    while (found.opened < rows && Date.now() < deadline) {
      await delay(50)
      found = await totalsOf(central)
    }
    const { connections, opened, bytes } = found
    assert.deepEqual({ connections, opened, bytes }, expected)
  } finally {
    await kill(central.process, 'SIGTERM')
    rmSync(dataDir, { recursive: true })
  }
  assert.equal(central.process.exitCode, 0)
})

test('a second central on the folder says who has it; one on a read-only folder says why not', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'weir-central-'))
  const central = await startCentral(dataDir)
  try {
    await assert.rejects(startCentral(dataDir), (error: Error) =>
      error.message.includes(`is in use by process ${central.process.pid}`),
    )
    await assert.rejects(startCentral('/sys/weir'), /cannot be written/)
  } finally {
    await kill(central.process, 'SIGTERM')
    rmSync(dataDir, { recursive: true })
  }
})

test('a full disk: nothing is acknowledged, the API answers, and all is stored when there is room', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'weir-central-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', dataDir])
  let central: Running | undefined
  try {
    central = await startCentral(dataDir)
    const filler = join(dataDir, 'filler')
    mkdirSync(filler)
    fill(join(filler, 'octets'))
    const agent = connectFake({ path: join(dataDir, 'ingest.sock') }, { id: agentId })
    sendFrame(agent, 1)
    await untilHealth(central, 503)
    assert.equal(agent.acked.length, 0)
    assert.equal((await totalsOf(central)).opened, 0)
    rmSync(filler, { recursive: true })
    await until('the ACK', () => agent.acked.length === 1)
    await untilHealth(central, 200)
    const deadline = Date.now() + 60_000
    while ((await totalsOf(central)).opened !== rowsPerFrame) {
      assert.ok(Date.now() < deadline)
      await delay(50)
    }
    agent.close()
  } finally {
    if (central) await kill(central.process, 'SIGTERM')
    execFileSync('umount', [dataDir])
    rmSync(dataDir, { recursive: true })
  }
})

/** Writes until no octet fits any more. */
function fill(file: string): void {
  for (const size of [1024 * 1024, 4096, 1]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: 'a' })
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
    }
  }
}

async function untilHealth(central: Running, status: number): Promise<void> {
  const deadline = Date.now() + 60_000
  while ((await fetch(`${central.url}/health`)).status !== status) {
    assert.ok(Date.now() < deadline, `health did not become ${status}`)
    await delay(50)
  }
}
