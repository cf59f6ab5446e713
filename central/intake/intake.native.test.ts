// Central as a process: flows of an exporter come in, are in the store under its name, and survive kill -9.

import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ipfixOf, setOf, templateOf, v4Fields, v4Record } from './flows/datagrams.fake.ts'

const entry = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

interface Running {
  readonly process: ChildProcess
  readonly url: string
  readonly flows: readonly { readonly port: number }[]
}

async function startCentral(dataDir: string): Promise<Running> {
  const flags = ['--data', dataDir, '--listen', '127.0.0.1:0', '--ingest', 'unix']
  const intake = ['--flows-in', '127.0.0.1:0', '--exporters', '127.0.0.1=edge-1']
  const child = fork(entry, ['central', ...flags, ...intake], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let errors = ''
  child.stderr?.on('data', (text) => {
    errors += text
  })
  const news = await Promise.race([
    once(child, 'message').then(([message]) => message as Omit<Running, 'process'>),
    once(child, 'exit').then(([code]) => assert.fail(`central ended with ${code}: ${errors}`)),
  ])
  return { ...news, process: child }
}

async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}

interface Answer {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

async function ask({ url }: Running, path: string): Promise<Answer['rows']> {
  const response = await fetch(`${url}${path}`)
  const answer = (await response.json()) as Answer
  assert.equal(response.status, 200, JSON.stringify(answer))
  return answer.rows
}

async function rowsWhen(central: Running, path: string, count: number) {
  const deadline = Date.now() + 60_000
  for (;;) {
    const rows = await ask(central, path)
    if (rows.length >= count) return rows
    assert.ok(Date.now() < deadline, `${rows.length} of ${count} rows of ${path}`)
    await delay(50)
  }
}

test('flows of an exporter are rows of view interface under its name, and are there after kill -9', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'weir-intake-'))
  let central = await startCentral(dataDir)
  try {
    const template = setOf(2, templateOf(256, v4Fields))
    const records = Array.from({ length: 20 }, (_, index) =>
      v4Record(100 + index, 2, 0x0a000100 + index),
    )
    const socket = createSocket('udp4')
    socket.send(
      ipfixOf(0, [template, setOf(256, Buffer.concat(records))]),
      central.flows[0]?.port ?? 0,
      '127.0.0.1',
      () => socket.close(),
    )
    const flows = await rowsWhen(central, '/api/flows?from=-1h&view=interface&limit=100', 20)
    assert.equal(flows.length, 20)
    assert.deepEqual(
      [flows[0]?.['node'], flows[0]?.['observer'], flows[0]?.['counted']],
      ['edge-1', 'transit', true],
    )
    await kill(central.process, 'SIGKILL')
    central = await startCentral(dataDir)
    const [top] = await rowsWhen(central, '/api/top?by=node&from=-1h&view=interface', 1)
    assert.deepEqual(
      [top?.['node'], top?.['bytes'], top?.['packets']],
      ['edge-1', 20 * 100 + 190, 40],
    )
    // A sum over sockets has none of it.
    assert.deepEqual(await ask(central, '/api/top?by=node&from=-1h'), [])
    assert.deepEqual(await ask(central, '/api/flows?from=-1h'), [])
  } finally {
    await kill(central.process, 'SIGTERM')
    rmSync(dataDir, { recursive: true, force: true })
  }
})

test('what came and what was lost of an exporter is in the ledger, at the node and in /metrics', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'weir-intake-'))
  const central = await startCentral(dataDir)
  const socket = createSocket('udp4')
  try {
    const send = (octets: Buffer) =>
      new Promise<void>((done) =>
        socket.send(octets, central.flows[0]?.port ?? 0, '127.0.0.1', () => done()),
      )
    const data = (sequence: number) => ipfixOf(sequence, [setOf(256, v4Record(sequence + 1, 1))])
    await send(ipfixOf(0, [setOf(2, templateOf(256, v4Fields))]))
    for (const sequence of [0, 1, 5]) await send(data(sequence))
    await send(Buffer.from('no flows at all'))
    const lost = await rowsWhen(
      central,
      '/api/ledger?from=-1h&filter=stage%20%3D%20intake%20and%20cause%20%3D%20sequence_gap',
      1,
    )
    assert.deepEqual(
      [lost[0]?.['node'], lost[0]?.['lost'], lost[0]?.['unit'], lost[0]?.['probe']],
      ['edge-1', 3, 'records', 'ipfix'],
    )
    const listed = await fetch(`${central.url}/api/flows?from=-1h&view=interface`)
    const { coverage } = (await listed.json()) as { coverage: { lost: object } }
    assert.deepEqual(coverage.lost, { sequence_gap: 3 })
    const health = (await (await fetch(`${central.url}/health`)).json()) as {
      nodes: { node: string; version: string; state: string }[]
    }
    assert.deepEqual(
      health.nodes.map(({ node, version, state }) => [node, version, state]),
      [['edge-1', 'ipfix', 'live']],
    )
    const metrics = await (await fetch(`${central.url}/metrics`)).text()
    assert.match(metrics, /^weir_flow_intake_records_total\{cause="ipfix"\} 3$/m)
    assert.match(metrics, /^weir_flow_intake_datagrams_refused_total\{cause="bad_datagram"\} 1$/m)
  } finally {
    socket.close()
    await kill(central.process, 'SIGTERM')
    rmSync(dataDir, { recursive: true, force: true })
  }
})
