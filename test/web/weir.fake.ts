// A Weir for the page alone: its own clock and invented rows behind the real page, routes and policy. Every
// answer is computed from the clock, so a test can let ten minutes pass in seconds and knows what is right.

import { createHash } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { dropReasonsOf, errorBody, fieldsOf } from '../../api/contract/mod.ts'
import { answerLostBrowser, servePage } from '../../api/page.ts'
import { filterRoute } from '../../api/routes/filter.ts'
import { errorSchemaId } from '../../api/routes/responses.ts'
import { secure } from '../../api/security.ts'
import { flowMetrics } from '../../wire/mod.ts'
import { answerEvents, type Live, serveLive } from './events.fake.ts'
import {
  blank,
  coverageOf,
  type FakeRow,
  intervalMs,
  iso,
  type Query,
  type Range,
  rangeOf,
  shareAt,
  stepsOf,
  type World,
} from './world.fake.ts'

export interface FakeWeir {
  readonly base: string
  readonly world: World
  /** Path and query of every API request since the last call. */
  requests(): string[]
  readonly live: Live
  /** Bytes of all API answers, before compression. */
  bytes(): number
  stop(): Promise<void>
}

const webDir = fileURLToPath(new URL('../../web/dist', import.meta.url))
/** Listens on a free port, or on `port`; the page is that of web/dist. */
export async function startFakeWeir(change: Partial<World> = {}, port = 0): Promise<FakeWeir> {
  const nowMs = change.nowMs ?? Date.now()
  const world: World = {
    nowMs,
    watchedFromMs: nowMs - 86_400_000,
    failure: undefined,
    tagged: false,
    blind: false,
    connections: 60,
    health: {},
    moreFields: [],
    exports: [],
    rules: [],
    dress: (row) => row,
    ...change,
  }
  let asked: string[] = []
  let bytes = 0
  const app = fastify({ forceCloseConnections: true })
  secure(app, [])
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer))
  app.addHook('onRequest', async (request, reply) => {
    reply.header('date', new Date(world.nowMs).toUTCString())
    if (!/^\/(?:api\/|health)/.test(request.url)) return undefined
    asked.push(request.url)
    const { failure } = world
    if (!failure) return undefined
    const error = { code: failure.code, message: failure.message, remedy: 'Wait.', details: {} }
    return reply.status(failure.status).send({ error })
  })
  app.addHook('onSend', async (request, reply, body) => {
    if (!/^\/(?:api\/|health)/.test(request.url)) return body
    const known = world.tagged ? tagOf(reply, body) === request.headers['if-none-match'] : false
    if (known) reply.status(304)
    const sent = known ? '' : body
    bytes += String(sent).length
    return sent
  })
  app.setNotFoundHandler(async (request, reply) => {
    if (await answerLostBrowser(request, reply, webDir)) return reply
    return reply.status(404).send({})
  })
  answerQuestions(app, world)
  const live = serveLive(app)
  await servePage(app, webDir)
  await app.listen({ host: '127.0.0.1', port })
  const { port: bound } = app.server.address() as AddressInfo
  return {
    base: `http://127.0.0.1:${bound}`,
    world,
    live,
    requests: () => {
      const all = asked
      asked = []
      return all
    },
    bytes: () => bytes,
    stop: () => app.close(),
  }
}

function tagOf(reply: FastifyReply, body: unknown): string {
  const tag = `"${createHash('sha1').update(String(body)).digest('hex')}"`
  reply.header('etag', tag)
  return tag
}

function answerQuestions(app: FastifyInstance, world: World): void {
  // The filter is checked by the real parser: nothing of it is invented.
  app.addSchema({ $id: errorSchemaId, ...errorBody })
  filterRoute(app, { nowNs: () => BigInt(world.nowMs) * 1_000_000n })
  app.get('/health', () => healthOf(world))
  app.get('/api/fields', () => {
    const answer = fieldsOf()
    return { ...answer, fields: [...answer.fields, ...world.moreFields] }
  })
  app.get('/api/rules', (request) => {
    const range = rangeOf(request.query as Query, world)
    return { rows: world.rules, next: null, coverage: coverageOf(world, range) }
  })
  app.get('/api/drop-reasons', () => dropReasonsOf())
  app.get('/api/flows', (request) => {
    const range = rangeOf(request.query as Query, world)
    const limit = Number((request.query as Query)['limit'] ?? 100)
    const rows = flowRows(world, range, limit + 1)
    const next = rows.length > limit ? 'older' : null
    return { rows: rows.slice(0, limit), next, coverage: coverageOf(world, range) }
  })
  app.get('/api/top', (request) => {
    const range = rangeOf(request.query as Query, world)
    const by = [(request.query as Query)['by']].flat() as readonly string[]
    // Nobody counts on interfaces here.
    const isOfInterfaces = (request.query as Query)['view'] === 'interface'
    const all = by.includes('errno') ? failures(world) : edges(world)
    const rows = isOfInterfaces ? [] : all
    return {
      rows: rows.slice(0, Number((request.query as Query)['limit'] ?? 8)),
      next: null,
      totals: { groups: rows.length, ...total(rows) },
      coverage: coverageOf(world, range),
    }
  })
  app.get('/api/series', (request) => {
    const query = request.query as Query
    const range = rangeOf(query, world)
    const stepMs = Number.parseInt(query['step'] ?? '10', 10) * 1000
    const times = stepsOf(range, stepMs)
    const watched = times.filter((time) => time + stepMs > world.watchedFromMs)
    const rows = watched.map((time) => ({ time: iso(time), ...metricsAt(time / 1000) }))
    const steps = times.map((time) => ({ time: iso(time), share: shareAt(world, time + stepMs) }))
    return {
      rows,
      next: null,
      step_seconds: stepMs / 1000,
      totals: total(rows),
      coverage: { ...coverageOf(world, range), steps },
    }
  })
  answerEvents(app, world)
  app.get('/api/exports', () => ({ rows: world.exports }))
  app.get('/api/programs', (request) => ({
    rows: programsOf(world, (request.query as Query)['probe']),
    next: null,
    coverage: { share: 1, watched: 1, lost: {}, gaps: [] },
  }))
  app.get('/api/ledger', (request) => ({
    rows: ledgerRows(),
    next: null,
    coverage: coverageOf(world, rangeOf(request.query as Query, world)),
  }))
}

function healthOf({ nowMs, health }: World) {
  const node = { node: 'lab', state: 'live', last_seen: iso(nowMs - 900), interval_ms: intervalMs }
  return {
    status: 'healthy',
    version: '0.1.0',
    started: iso(nowMs - 3_600_000),
    checks: [{ name: 'store', status: 'ok', message: '' }],
    nodes: [{ ...node, agent: '1f', version: '0.1.0', clock_offset_ms: 0, message: '' }],
    ...health,
  }
}

/** The newest rows: each connection reports once in an interval, and lives for ten of them. */
function flowRows(world: World, { fromMs, toMs }: Range, limit: number): FakeRow[] {
  const rows: FakeRow[] = []
  const newest = Math.floor(Math.min(toMs, world.nowMs) / intervalMs)
  for (let interval = newest; rows.length < limit; interval--) {
    if (interval * intervalMs < Math.max(fromMs, world.watchedFromMs)) break
    for (let at = 0; at < world.connections && rows.length < limit; at++) {
      const time = interval * intervalMs - at * 7
      rows.push(world.dress(flowRow(time, at + 1000 * Math.floor(interval / 10)), at))
    }
  }
  return rows
}

const programs = ['nginx', 'postgres', 'checkout', 'redis-server', 'curl', 'backup-agent']

function flowRow(timeMs: number, connection: number): FakeRow {
  const program = (offset: number) => programs[(connection + offset) % programs.length] as string
  return {
    ...blank(),
    time: iso(timeMs),
    start: iso(timeMs - 60_000),
    node: 'lab',
    view: 'socket',
    observer: 'both',
    protocol: 'tcp',
    src_address: `10.1.0.${1 + (connection % 250)}`,
    src_port: 40_000 + (connection % 20_000),
    dst_address: '10.2.0.5',
    dst_port: 5432,
    bytes: 1000 + (connection % 1000),
    reverse_bytes: 90_000 + (connection % 1000),
    total_bytes: 10_000,
    total_reverse_bytes: 900_000,
    rtt_ns: 412_000,
    state: 'established',
    connection_id: String(10_000_000 + connection),
    src_process: program(0),
    src_pid: 2000 + (connection % 500),
    dst_process: program(1),
    dst_pid: 812,
  }
}

function edges(world: World): FakeRow[] {
  const busiest = programs.map((name, at) => ({
    src_process: name,
    dst_process: programs[(at + 1) % programs.length] as string,
    dst_port: 5432 + at,
    ...metricsAt(world.nowMs / intervalMs + at),
  }))
  return busiest
    .map((row, at) => world.dress(row, at))
    .sort((a, b) => Number(b['total']) - Number(a['total']))
}

/** Who could not connect where; the last group has only a connection that timed out later. */
function failures(world: World): FakeRow[] {
  const group = {
    ...metricsAt(world.nowMs / intervalMs),
    dst_address: '192.0.2.20',
    dst_port: 5432,
  }
  return [
    { ...group, src_process: 'checkout', end_reason: 'refused', errno: 'ECONNREFUSED', failed: 31 },
    { ...group, src_process: 'curl', end_reason: 'unreachable', errno: '', failed: 2 },
    { ...group, src_process: 'backup-agent', end_reason: 'timeout', errno: '', failed: 0 },
  ].map((row, at) => world.dress(row, at))
}

/** Figures that move with `at` and are the same for the same `at`. */
function metricsAt(at: number): FakeRow {
  const wave = (n: number) => Math.round(1000 * n * (2 + Math.sin(at / 9 + n)))
  const row = Object.fromEntries(flowMetrics.map(({ name }, n) => [name, wave(n + 1)]))
  return {
    ...row,
    total: Number(row['bytes']) + Number(row['reverse_bytes']),
    failed: 2,
    retransmits: 3,
    reverse_retransmits: 1,
    rtt_p50_ns: 400_000 + wave(1),
    rtt_p95_ns: 6_000_000 + wave(9),
  }
}

function total(rows: readonly FakeRow[]): FakeRow {
  const sums: FakeRow = {}
  for (const { name, additive } of flowMetrics) {
    if (additive) sums[name] = rows.reduce((sum, row) => sum + Number(row[name]), 0)
  }
  return sums
}

function ledgerRows(): FakeRow[] {
  const stages = ['hook', 'drain', 'enrich', 'spool', 'ingest', 'store']
  return stages.map((stage) => ({
    node: 'lab',
    stage,
    unit: 'rows',
    cause: '',
    entered: 12_345_678_901,
    left: 12_345_678_901,
    filtered: 0,
    sampled: 0,
    lost: 0,
    waiting: 0,
  }))
}

/** Every probe that is asked for runs, but those that the world has not. */
function programsOf({ blind }: World, probe: string | undefined): readonly FakeRow[] {
  if (probe === undefined) return fakePrograms
  return blind ? [] : [{ ...fakeProgram, probe }]
}

const fakeProgram = {
  time: '2026-11-21T06:30:00.000000000Z',
  node: 'alpha',
  probe: 'socket',
  program: 'socket_state',
  hook: 'tp_btf/inet_sock_set_state',
  state: 'ready',
  reason: '',
  program_id: 77,
  runs: 12_345,
  run_time_ns: 2_000_000,
  map_bytes: 4_472_832,
}

/** One that runs and one that could not be opened. */
const fakePrograms = [
  fakeProgram,
  { ...fakeProgram, program: 'socket_send', state: 'failed', reason: 'not permitted', runs: 0 },
]
