// What makes an answer cheap: compression as the client takes it, 304 for what it has, identical questions asked
// once; and what bounds it: clients that do not read.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { createReporter } from '../../common/reporter/mod.ts'
import type { Reader } from '../../store/mod.ts'
import { type AppConfig, createApp } from '../app.ts'
import { encodingOf } from './compress.ts'

const second = 1_000_000_000n

interface Asked {
  readonly get: (url: string, headers?: Readonly<Record<string, string>>) => Promise<Answered>
  readonly statements: string[]
  revision: string
  /** What happens before a question: rows that wait become readable. */
  fresh: () => void
  nowNs: bigint
}

interface Answered {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
  readonly rawPayload: Buffer
}

async function withApp(run: (asked: Asked) => Promise<void>, config: AppConfig = {}) {
  const reporter = createReporter('test', { level: 'silent' })
  const statements: string[] = []
  const read: Reader['read'] = async (sql) => {
    statements.push(sql)
    return []
  }
  const asked: Asked = {
    statements,
    revision: 'a.0',
    fresh: () => {},
    nowNs: 1_795_240_800n * second,
    get: async (url, headers = {}) =>
      app.inject({ url, headers: { host: 'localhost', ...headers } }),
  }
  const health = () => assert.fail('nobody asks')
  const app = await createApp(
    config,
    {
      reader: { read, revision: () => asked.revision, fresh: async () => asked.fresh() },
      health,
      metrics: reporter.metrics,
      nowNs: () => asked.nowNs,
    },
    reporter,
  )
  try {
    await run(asked)
  } finally {
    await app.close()
  }
}

test('an encoding is what the client takes, the cheapest first', () => {
  assert.equal(encodingOf('gzip, deflate, br, zstd'), 'zstd')
  assert.equal(encodingOf('gzip, deflate, br'), 'br')
  assert.equal(encodingOf('GZIP;q=0.5, br;q=0'), 'gzip')
  assert.equal(encodingOf('*'), 'zstd')
  assert.equal(encodingOf('*;q=0, gzip'), 'gzip')
  for (const none of ['', 'identity', 'gzip;q=0', 'deflate'])
    assert.equal(encodingOf(none), undefined)
})

test('large answers are compressed for who can read it, small ones and others are not', async () => {
  await withApp(async ({ get }) => {
    const plain = await get('/api/fields')
    assert.equal(plain.headers['content-encoding'], undefined)
    for (const [encoding, open] of [
      ['gzip', gunzipSync],
      ['zstd', zstdDecompressSync],
    ] as const) {
      const answer = await get('/api/fields', { 'accept-encoding': encoding })
      assert.equal(answer.headers['content-encoding'], encoding)
      assert.equal(answer.headers['vary'], 'accept-encoding')
      assert.equal(open(answer.rawPayload).toString(), plain.body)
      assert.ok(answer.rawPayload.length * 4 < plain.rawPayload.length)
      assert.equal(Number(answer.headers['content-length']), answer.rawPayload.length)
    }
    const small = await get('/api/ledger', { 'accept-encoding': 'gzip' })
    assert.equal(small.headers['content-encoding'], undefined)
  })
})

test('who has the answer is told 304 without a statement, until rows or 15 s have come', async () => {
  await withApp(async (asked) => {
    const url = '/api/ledger?from=-1h'
    const first = await asked.get(url)
    const tag = String(first.headers['etag'])
    assert.match(tag, /^W\/"[\w-]{22}"$/)
    const before = asked.statements.length
    const again = await asked.get(url, { 'if-none-match': `"other", ${tag}` })
    assert.deepEqual([again.statusCode, again.body, again.headers['etag']], [304, '', tag])
    assert.equal(asked.statements.length, before)
    const other = await asked.get('/api/ledger?from=-2h', { 'if-none-match': tag })
    assert.equal(other.statusCode, 200, 'another question')
    asked.revision = 'a.1'
    const changed = await asked.get(url, { 'if-none-match': tag })
    assert.equal(changed.statusCode, 200, 'rows came')
    const newer = String(changed.headers['etag'])
    asked.nowNs += 15n * second
    const later = await asked.get(url, { 'if-none-match': newer })
    assert.equal(later.statusCode, 200, 'a silent agent may have become a gap')
    const wrong = await asked.get('/api/ledger?nothing=1', { 'if-none-match': newer })
    assert.deepEqual([wrong.statusCode, wrong.headers['etag']], [400, undefined])
  })
})

test('rows that wait are made readable first: no answer is called the same that would have them', async () => {
  await withApp(async (asked) => {
    const url = '/api/ledger?from=-1h'
    const tag = String((await asked.get(url)).headers['etag'])
    asked.fresh = () => {
      asked.revision = 'a.1'
    }
    const before = asked.statements.length
    const again = await asked.get(url, { 'if-none-match': tag })
    assert.equal(again.statusCode, 200)
    // The insert comes with the first question of several; the others share what it asks.
    const once = asked.statements.length - before
    assert.ok(once > 0)
    asked.revision = 'a.0'
    const earlier = asked.statements.length
    asked.nowNs += 1_000_000_000n
    await Promise.all([asked.get(url), asked.get(url)])
    assert.equal(asked.statements.length - earlier, once)
  })
})

test('identical questions within a second are answered once', async () => {
  await withApp(async (asked) => {
    const url = '/api/ledger?from=-1h'
    await Promise.all(Array.from({ length: 20 }, () => asked.get(url)))
    const once = asked.statements.length
    assert.equal(new Set(asked.statements).size, once)
    asked.nowNs -= 400_000_000n
    await asked.get(url)
    assert.equal(asked.statements.length, once, 'the same second')
    asked.revision = 'a.1'
    await asked.get(url)
    assert.equal(asked.statements.length, 2 * once, 'rows came')
  })
})
