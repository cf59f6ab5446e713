// 150 clients that ask for 10,000 rows each and do not read: the memory of the process that answers is bounded,
// who does not fit is told so, and small questions are still answered.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { rfc3339 } from '../common/mod.ts'
import { createReporter } from '../common/reporter/mod.ts'
import { until } from '../common/until.fake.ts'
import { createStore, type Store } from '../store/mod.ts'
import { createBlockEncoder } from '../wire/mod.ts'
import { createHttp, type Http } from './http.ts'
import { beginNs, endNs, knownFlows } from './known-rows.fake.ts'

const mb = 1024 * 1024
const readers = 150
/** What the issue allows. */
const moreMb = 200

let folder: string
let store: Store
let http: Http
const reporter = createReporter('test', { level: 'silent' })

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'weir-slow-'))
  store = createStore({ dataDir: join(folder, 'data') }, reporter)
  await store.start()
  const block = createBlockEncoder().encode(knownFlows())
  const file = join(folder, 'rows')
  writeFileSync(file, Buffer.concat(Array.from({ length: 13 }, () => Buffer.from(block))))
  await store.insertSegment(file, 'flows', file)
  const health = () => ({ status: 'ok' as const, version: '0', started: '', checks: [], nodes: [] })
  http = createHttp(
    { host: '127.0.0.1', port: 0, answerWaitMs: 3000, readerStallMs: 60_000 },
    { reader: store, health, metrics: reporter.metrics },
    reporter,
  )
  await http.start()
})
after(async () => {
  await http?.stop()
  await store?.stop()
  rmSync(folder, { recursive: true, force: true })
})

function residentMb(): number {
  const kb = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return Number(kb) / 1024
}

const address = `/api/flows?from=${rfc3339(beginNs)}&to=${rfc3339(endNs)}&limit=10000`

/** Asks, takes the head of the answer and reads no further. */
function slowReader(i: number): Promise<{ socket: Socket; status: number }> {
  return new Promise((resolve, reject) => {
    const socket = connect(http.address().port, '127.0.0.1')
    // Each its own question, so that none is answered with another's.
    socket.write(`GET ${address}&src_pid=${i}${pids} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    socket.once('error', reject)
    socket.once('readable', () => {
      const head = String(socket.read(12))
      resolve({ socket, status: Number(head.slice(9)) })
    })
  })
}

const pids = Array.from({ length: 12 }, (_, pid) => `&src_pid=${100 + pid}`).join('')

test('150 slow readers of 10,000 rows each cost at most 200 MB, and the rest is told why', async () => {
  const { url } = http.address()
  const whole = await (await fetch(`${url}${address}&src_pid=1${pids}`)).text()
  assert.equal((JSON.parse(whole) as { rows: unknown[] }).rows.length, 10_000)
  const all = (readers * whole.length) / mb
  assert.ok(all > 4 * moreMb, `all answers together are ${all.toFixed(0)} MB`)
  const before = residentMb()
  let most = before
  const watch = setInterval(() => {
    most = Math.max(most, residentMb())
  }, 50)
  const asked = await Promise.all(Array.from({ length: readers }, (_, i) => slowReader(i)))
  const count = (status: number) => asked.filter((one) => one.status === status).length
  try {
    assert.equal(count(200) + count(503), readers)
    assert.ok(count(200) > 0, 'some are answered')
    assert.ok(count(503) > 0, 'some must be turned away, or the test shows nothing')
    const small = await fetch(`${url}/api/ledger`)
    assert.equal(small.status, 200, 'a small question waits for no slow reader')
    const more = most - before
    assert.ok(more <= moreMb, `${more.toFixed(0)} MB more for ${count(200)} answers`)
    const figures = (await reporter.metrics()).text
    assert.match(figures, new RegExp(`answers_refused\\S* ${count(503)}\\n`))
  } finally {
    clearInterval(watch)
    for (const { socket } of asked) socket.destroy()
  }
})

test('who was turned away is answered when the others have gone', async () => {
  const answer = await fetch(`${http.address().url}${address}`)
  assert.equal(answer.status, 200)
  assert.equal(((await answer.json()) as { rows: unknown[] }).rows.length, 10_000)
})

test('a client that takes nothing is cut off', async () => {
  const stopped = createHttp(
    { host: '127.0.0.1', port: 0, readerStallMs: 100 },
    {
      reader: store,
      health: () => ({ status: 'ok' as const, version: '0', started: '', checks: [], nodes: [] }),
      metrics: reporter.metrics,
    },
    reporter.child('stalled'),
  )
  await stopped.start()
  try {
    const socket = connect(stopped.address().port, '127.0.0.1')
    socket.write(`GET ${address} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    await new Promise((resolve) => socket.once('readable', resolve))
    const figure = async () => /readers_cut\S* (\d+)\n/.exec((await reporter.metrics()).text)?.[1]
    await until('the reader to be cut off', async () => (await figure()) === '1')
    socket.destroy()
  } finally {
    await stopped.stop()
  }
})
