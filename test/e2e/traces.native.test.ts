// Traces of an application that OpenTelemetry's own SDK makes meet the connections that the kernel saw.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../common/free-port.fake.ts'
import { type JsonRow, type River, withRiver } from '../river.ts'
import { until } from '../traffic/mod.ts'

const program = fileURLToPath(new URL('testdata/traced-http.cjs', import.meta.url))
const calls = 20

interface Call {
  readonly traceId: string
  readonly spanId: string
  readonly port: number
}

async function lineOf(child: ChildProcess): Promise<string> {
  let text = ''
  for await (const part of child.stdout ?? []) {
    text += part
    if (text.includes('\n')) break
  }
  assert.notEqual(text, '', 'the application printed nothing')
  return text
}

for (const protocol of ['http/protobuf', 'grpc']) {
  test(`${protocol}: each call of an instrumented application leads to its connection`, async () => {
    const port = await freePort()
    const flag = protocol === 'grpc' ? '--otlp-grpc' : '--otlp-http'
    await withRiver({ args: [flag, `127.0.0.1:${port}`] }, async (river) => {
      const start = (role: string, name: string, ...more: string[]) =>
        spawn(
          process.execPath,
          [program, role, name, `http://127.0.0.1:${port}`, protocol, ...more],
          {
            stdio: ['ignore', 'pipe', 'inherit'],
          },
        )
      const server = start('server', 'back')
      try {
        const serverPort = (await lineOf(server)).trim()
        const client = start('client', 'front', serverPort, String(calls))
        const clientEnded = once(client, 'exit')
        const made = JSON.parse(await lineOf(client)) as readonly Call[]
        assert.equal(made.length, calls)
        await clientEnded
        const serverEnded = once(server, 'exit')
        server.kill('SIGTERM')
        await serverEnded
        for (const call of made) await checkCall(river, call, serverPort)
        await checkEdge(river)
      } finally {
        if (server.exitCode === null) server.kill('SIGKILL')
      }
    })
  })
}

/** The trace leads to one connection, which is the one that the call was made by. */
async function checkCall(river: River, { traceId, port }: Call, serverPort: string): Promise<void> {
  const query = { from: '-5m', filter: `trace_id = "${traceId}"` }
  const isConnected = (row: JsonRow) => row['connection_id'] !== '0'
  const rows = await until(`both spans of ${traceId}`, async () => {
    const found = await river.flows(query)
    return (
      found.filter((row) => row['view'] === 'trace').length === 2 &&
      found.some(isConnected) &&
      found
    )
  })
  const ids = new Set(rows.filter(isConnected).map((row) => row['connection_id']))
  assert.equal(ids.size, 1, JSON.stringify(rows))
  const connection = await until('the connection itself', async () => {
    const found = await river.flows({ from: '-5m', connection_id: String([...ids][0]) })
    return found.length > 0 && found
  })
  assert.ok(connection.every((row) => row['src_port'] === port))
  assert.ok(connection.every((row) => row['dst_port'] === Number(serverPort)))
  const spans = rows.filter((row) => row['view'] === 'trace')
  assert.deepEqual(spans.map((row) => [row['observer'], row['bytes']]).toSorted(), [
    ['dst', 0],
    ['src', 0],
  ])
}

/** Spans alone draw the map; they double no byte of the sockets. */
async function checkEdge(river: River): Promise<void> {
  const edges = await river.get('/api/top', {
    by: ['src_workload', 'dst_port'],
    view: 'trace',
    from: '-5m',
    filter: 'observer = src',
  })
  assert.deepEqual(
    edges.rows.map((row) => row['src_workload']),
    ['front'],
  )
}
