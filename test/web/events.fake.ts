// The events of the invented Weir: lists, groups, steps, and what it pushes.

import type { FastifyInstance } from 'fastify'
import { eventTable } from '../../wire/mod.ts'
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

export function answerEvents(app: FastifyInstance, world: World): void {
  app.get('/api/events', (request) => {
    const query = request.query as Query
    const range = rangeOf(query, world)
    const kinds = kindsOf(query)
    const rows = eventRows(world, range, kinds)
    return {
      rows: rows.slice(0, Number(query['limit'] ?? 100)),
      next: null,
      coverage: coverageOf(world, range),
    }
  })
  app.get('/api/events/top', (request) => {
    const query = request.query as Query
    const range = rangeOf(query, world)
    const kinds = kindsOf(query)
    return {
      ...eventGroups(eventRows(world, range, kinds), [query['by']].flat() as string[]),
      next: null,
      coverage: coverageOf(world, range),
    }
  })
  app.get('/api/events/series', (request) => {
    const query = request.query as Query
    const range = rangeOf(query, world)
    const stepMs = Number.parseInt(query['step'] ?? '10', 10) * 1000
    const times = stepsOf(range, stepMs)
    const kinds = query['kind'] === undefined ? ['drop', 'reset'] : [query['kind']].flat()
    const rows = times.flatMap((time) =>
      kinds.map((kind) => ({ time: iso(time), kind, events: 1, count: 10, bytes: 600 })),
    )
    const steps = times.map((time) => ({ time: iso(time), share: shareAt(world, time + stepMs) }))
    return {
      rows,
      next: null,
      step_seconds: stepMs / 1000,
      coverage: { ...coverageOf(world, range), steps },
    }
  })
}

/** Pushes rows to whoever listens at /api/live. */
export interface Live {
  push(row: FakeRow): void
  /** Rows that a slow reader lost. */
  lose(count: number): void
  /** Ends what is open and refuses what comes, until it is called with false. */
  refuse(refusing: boolean): void
  listeners(): number
}

export function serveLive(app: FastifyInstance): Live {
  const open = new Set<NodeJS.WritableStream>()
  let refusing = false
  app.get('/api/live', (request, reply) => {
    if (refusing) return reply.code(503).send({})
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    reply.raw.write(': open\n\n')
    open.add(reply.raw)
    request.raw.on('close', () => open.delete(reply.raw))
    return reply
  })
  const send = (text: string) => {
    for (const stream of open) stream.write(`${text}\n\n`)
  }
  return {
    push: (row) => send(`data: ${JSON.stringify(row)}`),
    lose: (count) => send(`event: lost\ndata: ${JSON.stringify({ rows: count })}`),
    listeners: () => open.size,
    refuse: (now) => {
      refusing = now
      if (now) for (const stream of open) stream.end()
    },
  }
}

const eventKindNames = ['connection', 'drop', 'retransmit', 'reset']

/** Packets only when asked for: most hosts report none. */
function kindsOf({ kind }: Query): readonly string[] {
  if (kind === 'packet') return [kind]
  return eventKindNames.filter((name) => kind === undefined || kind === name)
}

/** One event of each kind every interval; drops have two reasons in turn. */
function eventRows(world: World, { fromMs, toMs }: Range, kinds: readonly string[]): FakeRow[] {
  const rows: FakeRow[] = []
  const newest = Math.floor(Math.min(toMs, world.nowMs) / intervalMs)
  for (let interval = newest; rows.length < 400; interval--) {
    if (interval * intervalMs < Math.max(fromMs, world.watchedFromMs)) break
    for (const kind of kinds)
      rows.push(world.dress(eventRow(interval * intervalMs, kind, interval), interval))
  }
  return rows
}

/** As the API would give it. */
export function eventRow(timeMs: number, kind: string, nth = 0): FakeRow {
  const own: Readonly<Record<string, FakeRow>> = {
    connection: { phase: 'attempt', result: 'refused', errno: 'ECONNREFUSED' },
    drop: {
      reason: nth % 3 === 0 ? 'NO_SOCKET' : 'NETFILTER_DROP',
      location: 'nf_hook_slow+0x4',
      count: 10,
    },
    retransmit: { state: 'established', count: 3 },
    reset: { direction: 'received', state: 'established' },
    packet: {
      bytes: 60 + ((nth * 37) % 1441),
      packet_size_bytes: 60 + ((nth * 37) % 1441),
      interface: 'eth0',
      label: ['10', '10', '20', ''][nth % 4] ?? '',
      action: nth % 5 === 0 ? 'drop' : 'pass',
    },
  }
  return {
    ...blank(eventTable),
    time: iso(timeMs),
    node: 'lab',
    kind,
    count: 1,
    bytes: 600,
    protocol: 'tcp',
    src_address: '192.0.2.10',
    src_port: 40_000 + (nth % 1000),
    dst_address: '192.0.2.20',
    dst_port: 5432,
    src_process: 'checkout',
    src_pid: 2001,
    connection_id: '10000001',
    ...own[kind],
  }
}

function eventGroups(rows: readonly FakeRow[], by: readonly string[]) {
  const groups = Map.groupBy(rows, (row) => by.map((name) => row[name]).join('|'))
  const sum = (some: readonly FakeRow[], name: string) =>
    some.reduce((all, row) => all + Number(row[name]), 0)
  const sumsOf = (some: readonly FakeRow[]) => ({
    events: some.length,
    count: sum(some, 'count'),
    bytes: sum(some, 'bytes'),
  })
  const found = [...groups.values()].map((some) => ({
    ...Object.fromEntries(by.map((name) => [name, some[0]?.[name] ?? null])),
    ...sumsOf(some),
    first: some.at(-1)?.['time'] ?? '',
    last: some[0]?.['time'] ?? '',
  }))
  const totals = { groups: found.length, ...sumsOf(rows) }
  return { rows: found.sort((one, other) => other.count - one.count), totals }
}
