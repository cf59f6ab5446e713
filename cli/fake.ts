// A terminal in memory and a central that answers from a list, for tests.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import type { Row } from '../wire/mod.ts'
import type { Terminal } from './commands/command.ts'

export interface FakeTerminal extends Terminal {
  readonly stdout: () => string
  readonly stderr: () => string
  readonly interrupt: () => void
}

export function fakeTerminal(options: Partial<Terminal> = {}): FakeTerminal {
  const texts = { out: '', err: '' }
  const sink = (key: 'out' | 'err'): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        texts[key] += chunk.toString()
        done()
      },
    })
  const controller = new AbortController()
  return {
    out: sink('out'),
    err: sink('err'),
    columns: 100,
    color: false,
    progress: false,
    now: Date.now,
    configFile: '/nowhere/weir.yaml',
    runtimeFolders: [],
    program: 'weir',
    interrupted: () => controller.signal,
    ...options,
    stdout: () => texts.out,
    stderr: () => texts.err,
    interrupt: () => controller.abort(),
  }
}

export type FakeAnswer = (url: URL) => {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: unknown
}

export interface FakeCentral {
  readonly url: string
  /** Paths with their parameters, in the order asked; without /health, which every listing ends with. */
  readonly asked: URL[]
  readonly close: () => Promise<void>
}

/** Answers on a free port of loopback; a string body is sent as it is. */
export async function fakeCentral(answer: FakeAnswer): Promise<FakeCentral> {
  const asked: URL[] = []
  const respond = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'http://fake')
    if (url.pathname !== '/health') asked.push(url)
    const { status = 200, headers = {}, body } = answer(url)
    const plain = { 'content-type': 'application/json', connection: 'close' }
    response.writeHead(status, { ...plain, ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
  const server = createServer(respond).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** A flow row as the API gives it; documentation addresses. */
export function fakeRow(fields: Row = {}): Row {
  return {
    time: '2026-08-21T12:00:00.000000000Z',
    start: '2026-08-21T11:59:58.000000000Z',
    end: null,
    node: 'alpha',
    view: 'socket',
    observer: 'src',
    protocol: 'tcp',
    src_address: '192.0.2.10',
    src_port: 51_044,
    dst_address: '203.0.113.7',
    dst_port: 443,
    bytes: 100,
    packets: 4,
    reverse_bytes: 200,
    reverse_packets: 5,
    retransmits: 0,
    reverse_retransmits: null,
    total_bytes: 1100,
    total_reverse_bytes: 45_100,
    rtt_ns: 12_000_000,
    rtt_min_ns: 11_000_000,
    state: 'established',
    end_reason: '',
    errno: '',
    direction_known: true,
    opened: 1,
    connection_id: '12345678901234567890',
    interface: 'eth0',
    src_process: 'curl',
    src_pid: 31_022,
    dst_process: '',
    dst_pid: 0,
    ...fields,
  }
}

export const wholeCoverage = { share: 1, watched: 1, lost: {}, gaps: [] }
