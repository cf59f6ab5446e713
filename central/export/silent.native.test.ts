// A receiver that takes connections and says nothing: an export goes on trying, and ends when it is stopped.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../../common/until.fake.ts'
import type { ExportConfig } from './config.ts'
import { createExportsFake, flowRows } from './rows.fake.ts'

interface Silent {
  readonly port: number
  readonly sockets: readonly Socket[]
}

/** `answer` is sent for what comes first. */
async function withSilent(answer: string, work: (silent: Silent, data: string) => Promise<void>) {
  const data = mkdtempSync(join(tmpdir(), 'weir-silent-'))
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {}).once('data', () => socket.write(answer))
    socket.resume()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await work({ port: (server.address() as AddressInfo).port, sockets }, data)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
    rmSync(data, { recursive: true, force: true })
  }
}

interface Case {
  readonly what: string
  readonly answer?: string
  readonly config: (place: string) => Omit<ExportConfig, 'name'>
}

const postgresql = (place: string) => `postgresql://u:p@${place}/d`
const cases: readonly Case[] = [
  {
    what: 'postgresql',
    config: (place) => ({ kind: 'postgresql', endpoint: postgresql(place) }),
  },
  {
    what: 'postgresql, in the middle of TLS',
    answer: 'S', // it will speak TLS
    config: (place) => ({ kind: 'postgresql', endpoint: postgresql(place), tls: {} }),
  },
  { what: 'nats', config: (place) => ({ kind: 'nats', endpoint: `nats://${place}` }) },
  { what: 'kafka', config: (place) => ({ kind: 'kafka', endpoint: `kafka://${place}` }) },
  { what: 'otlp', config: (place) => ({ kind: 'otlp', endpoint: `http://${place}` }) },
]

for (const { what, answer = '', config } of cases) {
  test(`${what}: an export that is stopped while it connects ends`, () =>
    withSilent(answer, async ({ port, sockets }, data) => {
      const fake = createExportsFake(data, [{ name: 'silent', ...config(`127.0.0.1:${port}`) }])
      await fake.start()
      await fake.append(flowRows(0, 10))
      await until('a connection', () => sockets.length > 0)
      if (answer !== '') await until('the answer', () => (sockets[0]?.bytesWritten ?? 0) > 0)
      await fake.stop()
      assert.equal(fake.exports.list()[0]?.rows, 0)
    }))

  test(`${what}: an export whose time is over while it connects tries again`, () =>
    withSilent(answer, async ({ port }, data) => {
      const times = { timeoutMs: 100, retryMaxMs: 1 }
      const silent = { name: 'silent', ...config(`127.0.0.1:${port}`), ...times }
      const fake = createExportsFake(data, [silent])
      await fake.start()
      await fake.append(flowRows(0, 10))
      await until('five failures', () => (fake.exports.list()[0]?.failures ?? 0) >= 5)
      await fake.stop()
      assert.equal(fake.exports.list()[0]?.lag_rows, 10)
    }))
}
