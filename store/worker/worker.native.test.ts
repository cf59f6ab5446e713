// The worker by itself, spoken to as any ClickHouse client would: over HTTP, on its socket.

import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { Agent, type AgentOptions, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { createReporter } from '../../common/reporter/mod.ts'
import { until } from '../../common/until.fake.ts'
import { createWorkerProcess } from '../worker-process.ts'
import { workerLimits } from './limits.ts'
import type { WorkerNews } from './news.ts'

const entry = fileURLToPath(new URL('main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'weir-worker-'))
const socketPath = join(folder, 'store.sock')
let worker: ChildProcess

before(async () => {
  const [started, news] = await launch()
  assert.deepEqual(news, { state: 'ready' })
  worker = started
  await ask('CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a')
})

after(async () => {
  await end(worker, () => worker.kill('SIGTERM'))
  rmSync(folder, { recursive: true })
})

async function launch(): Promise<[ChildProcess, WorkerNews]> {
  const child = fork(entry, [folder], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '10' },
  })
  const [news] = await once(child, 'message')
  return [child, news as WorkerNews]
}

async function end(child: ChildProcess, how: () => void): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exit = once(child, 'exit')
  how()
  const [code] = await exit
  return code as number | null
}

interface Answer {
  readonly status: number | undefined
  readonly code: string | string[] | undefined
  readonly text: string
}

async function ask(sql: string, search = '', body = ''): Promise<Answer> {
  const path = `/?query=${encodeURIComponent(sql)}${search}`
  const asked = request({ socketPath, path, method: 'POST' })
  asked.end(body)
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const code = response.headers['x-clickhouse-exception-code']
  return { status: response.statusCode, code, text: await text(response) }
}

test('answers, formats, settings and parameters as ClickHouse does', async () => {
  assert.equal((await ask('SELECT 1')).text, '1\n')
  assert.equal((await ask('SELECT 1 AS a', '&default_format=JSONEachRow')).text.trim(), '{"a":1}')
  assert.equal((await ask('SELECT 1 AS a FORMAT CSVWithNames')).text, '"a"\n1\n')
  assert.equal((await ask("SELECT getSetting('max_threads')", '&max_threads=1')).text, '1\n')
  assert.equal((await ask('SELECT {a:UInt8} + {b:UInt8}', '&param_a=1&param_b=2')).text, '3\n')
  assert.equal((await ask('SELECT hex({a:String})', '&param_a=%00%5Ct%27')).text, '000927\n')
  assert.equal((await ask('', '', 'SELECT 2')).text, '2\n')
})

test('errors carry the number and the words of the engine', async () => {
  const wrong: readonly (readonly [string, string, number, string])[] = [
    ['SELECT FROM WHERE', '', 400, '62'],
    ['SELECT * FROM nowhere', '', 404, '60'],
    ['SELECT {a:UInt8}', '', 400, '456'],
    ['SELECT {a:UInt8}', '&param_a=x', 400, '457'],
    ['SELECT 1', '&no_such_setting=1', 400, '115'],
    ['SELECT 1', '&session_id=1', 400, '36'],
    ['SELECT 1', '&database=other', 404, '81'],
    ['', '', 400, '62'],
    ['INSERT INTO nowhere FORMAT Native', '', 404, '60'],
    ['SELECT 1', '&param_a%20b=1', 500, '1002'],
  ]
  for (const [sql, search, status, code] of wrong) {
    const answer = await ask(sql, search)
    assert.equal(answer.code, code, `${sql} ${search} ${answer.text}`)
    assert.equal(answer.status, status, `${sql} ${search} ${answer.text}`)
    assert.match(answer.text, new RegExp(`^Code: ${code}\\. DB::Exception: `))
  }
  const long = await ask('', '', `SELECT '${'x'.repeat(2 ** 20)}'`)
  assert.equal(long.code, '307')
})

test('an unmodified client inserts and reads', async () => {
  const options: AgentOptions & { socketPath: string } = { socketPath, keepAlive: true }
  const log = { level: ClickHouseLogLevel.OFF }
  const client = createClient({ url: 'http://localhost', http_agent: new Agent(options), log })
  try {
    assert.equal((await client.ping()).success, true)
    await client.insert({
      table: 't',
      values: [
        { a: 1, s: "it's" },
        { a: 2, s: 'tab\t' },
      ],
      format: 'JSONEachRow',
    })
    const result = await client.query({
      query: 'SELECT s FROM t WHERE a < 10 ORDER BY a',
      format: 'JSONEachRow',
    })
    assert.deepEqual(await result.json(), [{ s: "it's" }, { s: 'tab\t' }])
    await assert.rejects(client.query({ query: 'SELECT nonsense' }), {
      code: '47',
      type: 'UNKNOWN_IDENTIFIER',
    })
  } finally {
    await client.close()
  }
})

test('a table that changes between two inserts takes the columns that it has then', async () => {
  const insert = (columns: string, row: string) =>
    ask(`INSERT INTO changing ${columns} FORMAT JSONEachRow`, '', row)
  await ask('CREATE TABLE changing (a UInt8) ENGINE = MergeTree ORDER BY tuple()')
  assert.equal((await insert('(a)', '{"a":1}')).status, 200)
  await ask('ALTER TABLE changing ADD COLUMN b String')
  assert.equal((await insert('(a, b)', '{"a":2,"b":"x"}')).status, 200)
  await ask('DROP TABLE changing')
  await ask('CREATE TABLE changing (a String) ENGINE = MergeTree ORDER BY tuple()')
  assert.equal((await insert('(a)', '{"a":"three"}')).status, 200)
  assert.equal((await ask('SELECT * FROM changing')).text, 'three\n')
  await ask('DROP TABLE changing')
  assert.deepEqual((await insert('(a)', '{"a":"four"}')).code, '60')
})

test('an idle connection is never closed under a question: the worker sets no time for it', async () => {
  const agent = new Agent({ keepAlive: true })
  const asked = request({ socketPath, path: '/ping', agent }).end()
  const [{ headers }] = (await once(asked, 'response')) as [IncomingMessage]
  assert.deepEqual([headers.connection, headers['keep-alive']], ['keep-alive', undefined])
  agent.destroy()
})

test('a body that breaks off is not inserted, and leaves no file', async () => {
  const path = `/?query=${encodeURIComponent('INSERT INTO t FORMAT JSONEachRow')}`
  const asked = request({ socketPath, path, method: 'POST' })
  asked.on('error', () => undefined)
  asked.write('{"a":100,"s":"half"}\n')
  const spooled = () => readdirSync(join(folder, 'store-inserts')).length
  await until('the body', () => spooled() === 1)
  asked.destroy()
  await until('no body', () => spooled() === 0)
  assert.equal((await ask('SELECT count() FROM t WHERE a = 100')).text, '0\n')
})

test('more statements than places wait; more than may wait are turned away', async () => {
  const { queries, waiting } = workerLimits
  // They hold every place until all others have been received. What is refused at once needs none: when it has
  // been answered twice, those before it have been read.
  const holders = Array.from({ length: queries }, () => ask('SELECT sleep(3) FORMAT Null'))
  for (let i = 0; i < 2; i++) assert.equal((await ask('SELECT 1', '&session_id=1')).status, 400)
  const others = Array.from({ length: waiting + 12 }, () => ask('SELECT 1 FORMAT Null'))
  const answers = await Promise.all([...holders, ...others])
  assert.equal(answers.filter(({ status }) => status === 200).length, queries + waiting)
  assert.equal(answers.filter(({ code }) => code === '202').length, 12)
})

test('a second worker on the folder hears that it is taken', async () => {
  const [second, news] = await launch()
  assert.equal(news.state === 'failed' && news.code, 76, JSON.stringify(news))
  assert.equal(await end(second, () => undefined), 1)
})

test('a new parent waits for the worker of one that died', async () => {
  const next = createWorkerProcess(folder, createReporter('next', { level: 'silent' }))
  let isReady = false
  const started = next.start().then(() => {
    isReady = true
  })
  // Long enough for its first worker to find the folder taken.
  await ask('SELECT sleep(2) FORMAT Null')
  assert.equal(isReady, false)
  assert.equal(await end(worker, () => worker.disconnect()), 0)
  await started
  assert.equal((await ask('SELECT 1')).text, '1\n')
  await next.stop()
  ;[worker] = await launch()
})

test('SIGTERM lets the running insert end; the loss of the parent does too', async () => {
  await ask(
    'CREATE TABLE slow (a UInt64, z UInt8 MATERIALIZED sleep(3)) ENGINE = MergeTree ORDER BY a',
  )
  const ways = [() => worker.kill('SIGTERM'), () => worker.disconnect()]
  for (const [at, way] of ways.entries()) {
    const inserted = ask('INSERT INTO slow FORMAT JSONEachRow', '', `{"a":${at}}\n`)
    const running = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT%'"
    await until('the question to run', async () => (await ask(running)).text === '1\n')
    assert.equal(await end(worker, way), 0)
    await inserted.catch(() => undefined)
    ;[worker] = await launch()
    assert.equal((await ask(`SELECT count() FROM slow WHERE a = ${at}`)).text, '1\n')
  }
})
