// The application in memory over a fake reader: what it refuses and how it says so, headers, limits.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { createReporter } from '../common/reporter/mod.ts'
import type { Reader, StoredRow } from '../store/mod.ts'
import { type AppConfig, createApp } from './app.ts'
import type { ErrorBody, ServerHealth } from './contract/mod.ts'
import { apiError } from './errors.ts'
import { twoRows } from './stored-row.fake.ts'

const wellHealth: ServerHealth = {
  status: 'ok',
  version: '0.1.0',
  started: '2026-11-21T06:00:00.000000000Z',
  checks: [],
  nodes: [],
}

/** No test here may reach the store, but those that say how it answers. */
const noReader: Reader = {
  read: async () => assert.fail('the store was asked'),
}

interface Around {
  readonly reader?: Reader
  readonly health?: ServerHealth
  readonly config?: AppConfig
}

async function withApp(
  around: Around,
  run: (app: FastifyInstance) => Promise<void>,
): Promise<void> {
  const reporter = createReporter('test', { level: 'silent' })
  const { reader = noReader, health = wellHealth, config = {} } = around
  const app = await createApp(
    config,
    { reader, health: () => health, metrics: reporter.metrics },
    reporter,
  )
  try {
    await run(app)
  } finally {
    await app.close()
  }
}

function get(app: FastifyInstance, url: string, host = '127.0.0.1:8080') {
  return app.inject({ url, headers: { host } })
}

/** Address, the parameter that is blamed, words of the message, words of the remedy. */
const refused: readonly (readonly [string, string, string, string])[] = [
  ['/api/flows?src_prot=443', 'src_prot', 'unknown parameter src_prot', 'Did you mean src_port?'],
  ['/api/flows?proces=curl', 'proces', 'unknown parameter proces', 'Did you mean process?'],
  ['/api/flows?xyzzy=1', 'xyzzy', 'unknown parameter xyzzy', 'GET /api/fields'],
  ['/api/flows?__proto__=1', '__proto__', 'unknown parameter __proto__', 'GET /api/fields'],
  ['/api/flows?%22%0a=1', '"\\"\\n"', 'unknown parameter "\\"\\n"', 'GET /api/fields'],
  ['/api/flows?src_port=http', 'src_port', '"http" is no whole number', 'src_port=443'],
  ['/api/flows?src_port=65536', 'src_port', '"65536" is above 65535', '0 to 65535'],
  ['/api/flows?src_port=-1', 'src_port', '"-1" is no whole number', '0 to 65535'],
  ['/api/flows?src_port=1.5', 'src_port', '"1.5" is no whole number', '0 to 65535'],
  ['/api/flows?src_port=', 'src_port', '"" is no whole number', '0 to 65535'],
  ['/api/flows?src_port=80&src_port=x', 'src_port', '"x" is no whole number', '0 to 65535'],
  ['/api/flows?src_port=80,443', 'src_port', '"80,443" is no whole number', '0 to 65535'],
  ['/api/flows?bytes=9007199254740993', 'bytes', 'is above', 'Give 0 to'],
  [
    '/api/flows?direction_known=maybe',
    'direction_known',
    '"maybe" is neither true nor false',
    'true or false',
  ],
  ['/api/flows?connection_id=0x10', 'connection_id', '"0x10" is no id', 'decimal'],
  ['/api/flows?connection_id=18446744073709551616', 'connection_id', 'is no id', 'decimal'],
  ['/api/flows?protocol=udp', 'protocol', '"udp" is not measured', 'view=interface'],
  ['/api/flows?filter=protocol%20%3D%20icmp', 'protocol', '"icmp" is not measured', 'TCP only'],
  ['/api/flows?protocol=UDP', 'protocol', '"UDP" is not known', 'mean udp?'],
  ['/api/flows?end_reason=refuse', 'end_reason', '"refuse" is not known', 'mean refused?'],
  ['/api/top?by=src_port&state=bogus', 'state', '"bogus" is not known', 'established'],
  ['/api/flows?src_process=shop-*', 'src_process', 'is a pattern', 'whole names'],
  ['/api/flows?errno=111', 'errno', '"111" is not known', 'mean ECONNREFUSED?'],
  ['/api/ledger?stage=hok', 'stage', '"hok" is not known', 'mean hook?'],
  ['/api/flows?address=300.1.1.1', 'address', '"300.1.1.1" is no address', 'CIDR'],
  ['/api/flows?address=10.0.0.0/33', 'address', 'no prefix of 0 to 32', 'CIDR'],
  ['/api/flows?src_address=2001:db8::/129', 'src_address', 'no prefix of 0 to 128', 'CIDR'],
  ['/api/flows?src_address=fe80::1%25eth0', 'src_address', 'is no address', 'CIDR'],
  ['/api/flows?address=10.0.0.0/8/8', 'address', 'is no address', 'CIDR'],
  ['/api/flows?from=yesterday', 'from', '"yesterday" is no time', 'RFC 3339'],
  ['/api/flows?from=2026-02-30T00:00:00Z', 'from', 'is no time', 'RFC 3339'],
  ['/api/flows?to=2026-11-21', 'to', 'is no time', 'RFC 3339'],
  ['/api/flows?to=2026-11-21T00:00:00', 'to', 'is no time', 'RFC 3339'],
  ['/api/flows?from=-9999999d', 'from', 'outside 1970', 'RFC 3339'],
  ['/api/flows?from=now&to=-15m', 'from', 'ends before it begins', '`from`'],
  ['/api/flows?from=now&from=-1m', 'from', 'more than once', 'one value'],
  ['/api/flows?limit=0', 'limit', 'is below 1', '1 or more'],
  ['/api/flows?limit=10001', 'limit', 'is above 10000', '10000 or less'],
  ['/api/flows?order=-byte', 'order', '"-byte" is not known', 'The nearest: -bytes, '],
  ['/api/flows?order=;drop', 'order', '";drop" is not known', 'The nearest: '],
  ['/api/flows?cursor=AAAA', 'cursor', 'it is damaged', '`next`'],
  ['/api/flows?cursor=', 'cursor', 'it is damaged', '`next`'],
  ['/api/flows?by=node', 'by', 'unknown parameter by', 'GET /api/fields'],
  ['/api/top', 'by', 'is needed', 'by='],
  ['/api/top?by=bytes', 'by', '"bytes" is not known', 'The nearest: '],
  ['/api/top?by=src_proces', 'by', '"src_proces" is not known', 'The nearest: src_process, '],
  ['/api/top?by=node&order=src_port', 'order', 'not among', 'by=src_port'],
  ['/api/top?by=node&cursor=x', 'cursor', 'unknown parameter cursor', ''],
  ['/api/ledger?stages=hook', 'stages', 'unknown parameter stages', 'Did you mean stage?'],
  ['/api/fields?x=1', 'x', 'unknown parameter x', ''],
  ['/health?x=1', 'x', 'unknown parameter x', ''],
]

test('what cannot be is refused with its name, the reason and a way out', async () => {
  await withApp({}, async (app) => {
    for (const [url, parameter, message, remedy] of refused) {
      const answer = await get(app, url)
      assert.equal(answer.statusCode, 400, url)
      const { error } = answer.json() as ErrorBody
      assert.equal(error.details['parameter'], parameter, url)
      assert.ok(error.message.includes(message), `${url}: ${error.message}`)
      assert.ok(error.remedy.includes(remedy), `${url}: ${error.remedy}`)
      assert.ok(!error.remedy.includes('{'), error.remedy)
    }
  })
})

/** Filter, where it is wrong, words of the message, what was meant. */
const wrongFilters: readonly (readonly [string, number, string, string?])[] = [
  ['dst_prot = 443', 0, '"dst_prot" is no field', 'dst_port'],
  ['dst_port = 443 and rtt > 5', 25, '5 has no unit', '5ms'],
  ['dst_port = 443 and end_reason = refuse', 32, '"refuse" is not known', 'refused'],
  ['src_address = 10.0.0.0/33', 14, 'prefix of 0 to 32'],
  ['(dst_port = 443', 0, ''],
  ['process ~ "("', 10, ''],
  ['bytes > lots', 8, 'is no number'],
  ["process = 'a' ; drop", 14, ''],
]

test('a wrong filter is refused at its character, with what was meant', async () => {
  await withApp({}, async (app) => {
    for (const path of ['/api/flows?', '/api/top?by=node&', '/api/series?']) {
      for (const [filter, position, message, suggestion] of wrongFilters) {
        const answer = await get(app, `${path}filter=${encodeURIComponent(filter)}`)
        assert.equal(answer.statusCode, 400, filter)
        const { error } = answer.json() as ErrorBody
        const meant = suggestion === undefined ? {} : { suggestion }
        assert.deepEqual(error.details, { parameter: 'filter', position, ...meant }, filter)
        assert.ok(error.message.includes(message), `${filter}: ${error.message}`)
      }
    }
    const twice = await get(app, '/api/flows?filter=bytes+%3E+1&filter=bytes+%3E+2')
    assert.match((twice.json() as ErrorBody).error.message, /filter: is given more than once/)
  })
})

test('steps are whole seconds and not endless', async () => {
  const reader: Reader = { read: async () => [] }
  await withApp({ reader }, async (app) => {
    for (const step of ['0s', '500ms', '1.5s', 'x', '-5s', '']) {
      const answer = await get(app, `/api/series?step=${step}`)
      assert.equal(answer.statusCode, 400, step)
      assert.equal((answer.json() as ErrorBody).error.details['parameter'], 'step')
    }
    const many = await get(app, '/api/series?from=-7d&step=1s')
    assert.match((many.json() as ErrorBody).error.message, /more than 5000 steps/)
  })
})

test('a cursor works for its own question alone, and a forged one stays outside the engine', async () => {
  const reader: Reader = { read: async (sql) => (sql.includes('_tie') ? twoRows() : []) }
  await withApp({ reader }, async (app) => {
    const first = (await get(app, '/api/flows?limit=1&order=-bytes')).json() as { next: string }
    const same = await get(app, `/api/flows?limit=5&order=-bytes&cursor=${first.next}`)
    assert.equal(same.statusCode, 200)
    const other = await get(app, `/api/flows?limit=1&order=bytes&cursor=${first.next}`)
    assert.match((other.json() as ErrorBody).error.message, /belongs to another question/)
    const parts = JSON.parse(Buffer.from(first.next, 'base64url').toString()) as unknown[]
    for (const [at, value] of [
      [4, '-1'],
      [5, "0') OR 1"],
      [5, null],
      [6, '-1'],
      [7, '18446744073709551616'],
      [8, 1e9],
      [2, {}],
    ] as const) {
      const forged = Buffer.from(JSON.stringify(parts.with(at, value))).toString('base64url')
      const answer = await get(app, `/api/flows?limit=1&order=-bytes&cursor=${forged}`)
      assert.equal(answer.statusCode, 400, `${at} ${value}`)
    }
  })
})

test('a name that is not ours is refused: DNS rebinding', async () => {
  await withApp({ config: { hosts: ['192.0.2.7', 'fd00::7', 'Weir.example'] } }, async (app) => {
    for (const host of [
      'localhost',
      'LOCALHOST:80',
      '127.0.0.1:8080',
      '[::1]:8080',
      '192.0.2.7',
      '[fd00::7]:1',
      'weir.example.',
    ]) {
      assert.equal((await get(app, '/healthz', host)).statusCode, 200, host)
    }
    for (const host of [
      'evil.example',
      '192.0.2.8:8080',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '127.0.0.1:8080:1',
    ]) {
      for (const url of ['/healthz', '/', '/api/flows', '/docs', '/nothing']) {
        const answer = await get(app, url, host)
        assert.equal(answer.statusCode, 421, `${host} ${url}`)
      }
    }
  })
})

test('answers carry the strict policy, allow no foreign site, and are not cached', async () => {
  await withApp({}, async (app) => {
    const answer = await app.inject({
      url: '/api/fields',
      headers: { host: 'localhost', origin: 'http://evil.example' },
    })
    assert.equal(
      answer.headers['content-security-policy'],
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    )
    assert.equal(answer.headers['access-control-allow-origin'], undefined)
    assert.equal(answer.headers['x-content-type-options'], 'nosniff')
    assert.equal(answer.headers['cache-control'], 'no-store')
    const docs = await get(app, '/docs')
    assert.equal(docs.statusCode, 200)
    assert.match(String(docs.headers['content-security-policy']), /script-src 'self';/)
    assert.doesNotMatch(docs.body, /https?:\/\//, 'nothing from outside')
  })
})

test('other paths and methods, with words', async () => {
  await withApp({}, async (app) => {
    const nothing = await get(app, '/api/flow')
    assert.equal(nothing.statusCode, 404)
    assert.equal((nothing.json() as ErrorBody).error.code, 'not_found')
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'] as const) {
      const answer = await app.inject({ method, url: '/api/flows', headers: { host: 'localhost' } })
      assert.equal(answer.statusCode, 405, method)
    }
  })
})

test('the page: its files, their age, and nothing beside them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-page-'))
  try {
    const webDir = join(folder, 'dist')
    mkdirSync(join(webDir, 'assets'), { recursive: true })
    writeFileSync(join(webDir, 'index.html'), '<!doctype html><title>Weir</title>')
    writeFileSync(join(webDir, 'assets/index-abc.js'), '1')
    writeFileSync(join(folder, 'secret'), 'secret')
    await withApp({ config: { webDir } }, async (app) => {
      const page = await get(app, '/?from=-1h')
      assert.match(page.body, /Weir/)
      assert.equal(page.headers['cache-control'], 'no-cache')
      assert.match(String(page.headers['content-security-policy']), /^default-src 'none'/)
      const script = await get(app, '/assets/index-abc.js')
      assert.match(String(script.headers['cache-control']), /immutable/)
      for (const url of ['/../secret', '/%2e%2e/secret', '/assets/..%2f..%2fsecret', '/none.js']) {
        const answer = await get(app, url)
        assert.notEqual(answer.statusCode, 200, url)
        assert.doesNotMatch(answer.body, /^secret/)
      }
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a browser gets the page at each of its paths, and at an unknown one a page that says so', async () => {
  const webDir = mkdtempSync(join(tmpdir(), 'weir-page-'))
  const browser = { host: 'localhost', accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
  const program = { host: 'localhost', accept: 'application/json' }
  try {
    writeFileSync(join(webDir, 'index.html'), '<!doctype html><title>Weir</title>')
    await withApp({ config: { webDir } }, async (app) => {
      for (const url of ['/', '/flows', '/flows?src_process=curl&select=7', '/nodes?from=-1h']) {
        const answer = await app.inject({ url, headers: browser })
        assert.equal(answer.statusCode, 200, url)
        assert.match(String(answer.headers['content-type']), /^text\/html/)
        assert.match(answer.body, /<title>Weir/)
        assert.match(String(answer.headers['content-security-policy']), /^default-src 'none'/)
      }
      for (const url of ['/nothing', '/flows/7', '/api/flow']) {
        const page = await app.inject({ url, headers: browser })
        assert.equal(page.statusCode, 404, url)
        assert.match(page.body, /<title>Weir/, url)
        const json = await app.inject({ url, headers: program })
        assert.equal(json.statusCode, 404, url)
        assert.equal((json.json() as ErrorBody).error.code, 'not_found')
      }
    })
  } finally {
    rmSync(webDir, { recursive: true })
  }
})

test('a page that is not built says so', async () => {
  await withApp({ config: { webDir: '/nonexistent' } }, async (app) => {
    for (const url of ['/', '/flows', '/nodes']) {
      const answer = await get(app, url)
      assert.equal(answer.statusCode, 503)
      assert.match((answer.json() as ErrorBody).error.remedy, /npm run build:web/)
    }
  })
})

test('health, readiness and figures', async () => {
  await withApp({ health: { ...wellHealth, status: 'failing' } }, async (app) => {
    const statuses = ['/health', '/healthz', '/readyz'].map((url) => get(app, url))
    const codes = (await Promise.all(statuses)).map((answer) => answer.statusCode)
    assert.deepEqual(codes, [503, 200, 503])
  })
  await withApp({}, async (app) => {
    const { component, uptime, ...health } = (await get(app, '/health')).json()
    assert.deepEqual(health, { ...wellHealth, status: 'healthy' })
    assert.equal(component, 'aggregator')
    assert.match(uptime, /^\d+s$/)
    await get(app, '/api/nothing')
    const metrics = (await get(app, '/metrics')).body
    assert.match(metrics, /weir_test_requests_total\{cause="4xx"\} 1/)
  })
})

test('an error of the store keeps its words, an unknown one shows none', async () => {
  const busy = apiError('busy', { details: { count: 1 } })
  const reader: Reader = { read: async () => Promise.reject(busy) }
  await withApp({ reader }, async (app) => {
    const answer = await get(app, '/api/flows')
    assert.equal(answer.statusCode, 503)
    assert.equal((answer.json() as ErrorBody).error.code, 'busy')
  })
  const leaky: Reader = { read: async () => Promise.reject(new Error('secret of the engine')) }
  await withApp({ reader: leaky }, async (app) => {
    const answer = await get(app, '/api/top?by=node')
    assert.equal(answer.statusCode, 500)
    assert.doesNotMatch(answer.body, /secret/)
  })
})

test('questions beyond the bound are turned away, and one that ends makes room', async () => {
  const { promise, resolve } = Promise.withResolvers<readonly StoredRow[]>()
  const asked = Promise.withResolvers<void>()
  const read = () => {
    asked.resolve()
    return promise
  }
  await withApp({ reader: { read }, config: { questionsMax: 1 } }, async (app) => {
    const first = Promise.resolve(get(app, '/api/ledger'))
    await asked.promise
    const second = await get(app, '/api/ledger')
    assert.equal(second.statusCode, 503)
    assert.equal((second.json() as ErrorBody).error.code, 'busy')
    resolve([])
    assert.equal((await first).statusCode, 200)
    assert.equal((await get(app, '/api/ledger')).statusCode, 200)
  })
})
