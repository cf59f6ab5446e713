// nginx behind ab and behind haproxy: every connection as the access log and the proxy's own counters have it.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { withRiver } from '../river.ts'
import { type Lab, until } from '../traffic/mod.ts'
import {
  assertBooks,
  assertOnce,
  assertWholeCoverage,
  type Carried,
  carriedIn,
  isSilent,
  processesOf,
  total,
} from './carried.ts'
import { type Nginx, startNginx } from './nginx.ts'
import { call, missing, serve, withBooks } from './program.ts'

test(
  'nginx and ab with keep-alive: octets, connections and workers of the access log',
  {
    skip: missing('nginx', 'ab'),
  },
  () =>
    withBooks(2, (lab) =>
      withRiver({}, async (river) => {
        const nginx = await startNginx(lab, 1)
        const requests = 2_000
        const url = `http://${nginx.address}:${nginx.port}/page`
        const ab = await call(lab, 0, 'ab', '-k', '-q', '-n', String(requests), '-c', '10', url)
        const books = await nginx.books(requests)
        const all = () => books.length + nginx.silent().length
        const carried = await carriedIn(river, lab, { dst_port: nginx.port }, all)
        await until('all of them in the logs of nginx', () => all() >= carried.length)
        assertNginx(nginx, carried, books, ab.pid)
        assert.equal(
          total(carried, 'reverse_bytes'),
          numberIn(ab.said, /^Total transferred:\s+(\d+)/m),
        )
        assert.equal(numberIn(ab.said, /^Failed requests:\s+(\d+)/m), 0)
        assert.deepEqual(namesOf(carried), ['ab > nginx'])
        assert.ok(books.length > 10, 'no connection was replaced by another')
        await assertWholeCoverage(river)
      }),
    ),
)

test(
  'ab through haproxy to nginx: both sides of the proxy as its statistics have them',
  {
    skip: missing('nginx', 'ab', 'haproxy'),
  },
  () =>
    withBooks(3, (lab) =>
      withRiver({}, async (river) => {
        const nginx = await startNginx(lab, 2)
        const proxy = await startProxy(lab, nginx)
        const requests = 1_000
        const url = `http://${proxy.address}:${proxy.port}/page`
        const ab = await call(lab, 0, 'ab', '-q', '-n', String(requests), '-c', '8', url)
        const books = await nginx.books(requests)
        const { front, back } = await proxy.statistics()
        assert.ok(front.stot >= requests && back.stot === front.stot)
        assert.equal(books.length, requests)

        const near = await carriedIn(river, lab, { dst_port: proxy.port }, () => front.stot)
        const far = await carriedIn(river, lab, { dst_port: nginx.port }, () => back.stot)
        assertNginx(nginx, far, books, proxy.pid)
        const hop = `ab ${ab.pid} > haproxy ${proxy.pid}`
        assert.deepEqual(processesOf(near), [hop])
        assertOnce(near)
        assert.deepEqual([near.length, far.length], [front.stot, back.stot])
        assert.deepEqual(
          [total(near, 'bytes'), total(near, 'reverse_bytes')],
          [front.bin, front.bout],
        )
        assert.deepEqual([total(far, 'bytes'), total(far, 'reverse_bytes')], [back.bin, back.bout])
        assert.deepEqual(namesOf(far), ['haproxy > nginx'])
        await assertWholeCoverage(river)
      }),
    ),
)

/** ab opens a few connections more than it needs and closes them without a request: nginx has them in another log. */
function assertNginx(
  nginx: Nginx,
  carried: readonly Carried[],
  books: Awaited<ReturnType<Nginx['books']>>,
  client: number,
): void {
  assertBooks(
    carried.filter((one) => !isSilent(one)),
    books.map((book) => ({ ...book, src_pid: client })),
  )
  assertSilent(carried.filter(isSilent), nginx.silent(), client)
}

/**
 * A silent connection that the client resets before any worker reads from it has no process but the one that
 * listens, and its row says so; all others have the worker of the log.
 */
function assertSilent(
  silent: readonly Carried[],
  workers: readonly number[],
  client: number,
): void {
  assert.equal(silent.length, workers.length)
  const left = [...workers]
  for (const { dst_pid, dst_process_source } of silent) {
    const at = left.indexOf(dst_pid)
    if (dst_process_source === 'listener') continue
    assert.ok(at >= 0, `${dst_pid} (${dst_process_source}) is no worker of ${workers}`)
    left.splice(at, 1)
  }
  assert.ok(silent.every(({ src_pid }) => src_pid === client))
  assertOnce(silent)
}

function numberIn(said: string, pattern: RegExp): number {
  return Number(pattern.exec(said)?.[1] ?? Number.NaN)
}

function namesOf(carried: readonly Carried[]): readonly string[] {
  return [...new Set(carried.map((one) => `${one.src_process} > ${one.dst_process}`))]
}

/** Of a frontend or backend: sessions now and in all, octets from and to the client. */
interface Statistics {
  readonly scur: number
  readonly stot: number
  readonly bin: number
  readonly bout: number
}

/** haproxy in namespace 1, which hands every connection on to nginx as it is. */
async function startProxy(lab: Lab, nginx: Nginx) {
  const [address, port] = [lab.address(1, 'v4', 'left'), 8000]
  const socket = join(lab.folder, 'haproxy.sock')
  const file = join(lab.folder, 'haproxy.cfg')
  writeFileSync(
    file,
    `
global
  stats socket ${socket} mode 600
  nbthread 2
defaults
  mode tcp
  timeout connect 20s
  timeout client 60s
  timeout server 60s
frontend front
  bind ${address}:${port}
  default_backend back
backend back
  server nginx ${nginx.address}:${nginx.port}
`,
  )
  const haproxy = await serve(lab, 1, port, ['haproxy', '-db', '-q', '-f', file])
  const idle = async () => {
    const now = await statistics(socket)
    return now.front.scur + now.back.scur === 0 && now
  }
  return { address, port, pid: haproxy.pid!, statistics: () => until('an idle haproxy', idle) }
}

/** The table of haproxy's statistics socket, which is CSV with a head. */
async function statistics(path: string): Promise<{ front: Statistics; back: Statistics }> {
  const socket = connect(path)
  socket.end('show stat\n')
  const [head, ...rows] = (await text(socket))
    .trim()
    .split('\n')
    .map((line) => line.split(','))
  const column = (name: string) => head!.indexOf(name)
  const of = (proxy: string, service: string) => {
    const row = rows.find((one) => one[0] === proxy && one[1] === service)
    const value = (name: string) => Number(row?.[column(name)])
    return { scur: value('scur'), stot: value('stot'), bin: value('bin'), bout: value('bout') }
  }
  return { front: of('front', 'FRONTEND'), back: of('back', 'BACKEND') }
}
