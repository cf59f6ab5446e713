// GET /api/events and the routes of the eBPF network monitor over the real engine. What is expected is computed from
// the same rows in plain TypeScript.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Ajv } from 'ajv'
import { rfc3339 } from '../common/mod.ts'
import { appendRow, createBatch, eventTable, type Row, type RowValues } from '../wire/mod.ts'
import {
  type EventsAnswer,
  eventsAnswer,
  type MonitorEvents,
  type MonitorList,
  type MonitorStats,
  type MonitorSummary,
  monitorEvents,
  monitorList,
  monitorStats,
  monitorSummary,
} from './contract/mod.ts'
import { type Parameters, range, startKnownRiver } from './known-river.fake.ts'
import { beginNs, lost, nowNs, rowsOf } from './known-rows.fake.ts'

let river: Awaited<ReturnType<typeof startKnownRiver>>
const ajv = new Ajv({ strict: false, validateFormats: false })
const batch = createBatch(eventTable, 512)

const phases = [
  { phase: 'attempt', observer: 'src', result: 'established' },
  { phase: 'established', observer: 'src' },
  { phase: 'established', observer: 'dst' },
  { phase: 'closed', observer: 'src', result: 'closed' },
  { phase: 'attempt', observer: 'src', result: 'refused', errno: 'ECONNREFUSED' },
]

function event(index: number): RowValues {
  const isDrop = index % 3 === 0
  const isSixth = index % 7 === 0
  return {
    time: beginNs + BigInt(Math.floor(index / 4)) * 10_000_000_000n,
    node: index % 5 === 0 ? 'node-b' : 'node-a',
    kind: isDrop ? 'drop' : 'connection',
    protocol: isDrop && index % 2 ? 'udp' : 'tcp',
    src_address: isSixth ? '2001:db8::1' : '10.0.0.1',
    src_port: 30_000 + index,
    dst_address: isSixth ? '2001:db8::2' : `10.0.1.${index % 3}`,
    dst_port: [443, 5432][index % 2] as number,
    count: isDrop ? index + 1 : 1,
    src_process: ['curl', "it's", 'etl'][index % 3] as string,
    src_pid: isDrop ? 0 : 100 + (index % 4),
    dst_process: ['nginx', 'postgres'][index % 2] as string,
    dst_pid: isDrop && index % 2 ? 0 : 200 + (index % 4),
    dst_namespace: 'shop',
    src_pod: `client-${index % 3}`,
    dst_pod: index % 11 === 0 ? '' : `server-${index % 3}`,
    ...(isDrop ? { reason: 'NO_SOCKET', reason_code: 3, packet_size_bytes: 60 } : {}),
    ...(isDrop ? {} : phases[index % phases.length]),
  }
}

for (let index = 0; index < 400; index++) appendRow(batch, event(index))
const rows: readonly Row[] = rowsOf(batch)

before(async () => {
  river = await startKnownRiver()
  await river.insert(batch, 'events')
})
after(() => river?.stop())

const isCall = ({ kind, phase, observer }: Row) =>
  kind !== 'connection' || phase === 'attempt' || (phase === 'established' && observer === 'dst')
const isDst = ({ observer, src_pid: pid }: Row) =>
  observer === 'dst' || (observer === '' && pid === 0)
const pidOf = (row: Row) => row[isDst(row) ? 'dst_pid' : 'src_pid']
const commandOf = (row: Row) => row[isDst(row) ? 'dst_process' : 'src_process']
const ports = (some: readonly Row[]) => some.map((row) => Number(row['src_port'])).toSorted()

function events(parameters: Parameters): Promise<EventsAnswer> {
  return river.get<EventsAnswer>('/api/events', { ...range, limit: 1000, ...parameters })
}

test('events: filters find what they say, in our envelope', async () => {
  const all = await events({})
  assert.ok(ajv.validate(eventsAnswer, all), ajv.errorsText())
  assert.equal(all.rows.length, rows.length)
  const cases: [Parameters, (row: Row) => boolean][] = [
    [{ kind: 'drop' }, ({ kind }) => kind === 'drop'],
    [{ kind: ['drop', 'connection'], phase: 'attempt' }, ({ phase }) => phase === 'attempt'],
    [{ kind: 'connection', pid: 101 }, (row) => [row['src_pid'], row['dst_pid']].includes(101)],
    [{ filter: 'count > 100 and reason = NO_SOCKET' }, ({ count }) => Number(count) > 100],
    [{ filter: 'errno = ECONNREFUSED' }, ({ errno }) => errno === 'ECONNREFUSED'],
    [{ filter: 'process = "it\'s"' }, (row) => row['src_process'] === "it's"],
    [{ address: '2001:db8::/32' }, (row) => `${row['src_address']}`.startsWith('2001')],
  ]
  for (const [parameters, keep] of cases) {
    const { rows: found } = await events(parameters)
    const wanted = rows.filter((row) => keep(row) && (!parameters['pid'] || row['kind'] !== 'drop'))
    assert.ok(wanted.length > 0 && wanted.length < rows.length, JSON.stringify(parameters))
    assert.deepEqual(ports(found), ports(wanted), JSON.stringify(parameters))
  }
})

test('events: pages in any order show every row once', async () => {
  for (const order of ['-time', 'time', '-count', 'reason', 'dst_address', 'reason_code']) {
    const found: Row[] = []
    let cursor: string | null = null
    do {
      const more: Parameters = cursor === null ? {} : { cursor }
      const page: EventsAnswer = await events({ order, limit: 37, ...more })
      found.push(...page.rows)
      cursor = page.next
    } while (cursor !== null)
    assert.deepEqual(ports(found), ports(rows), order)
  }
})

test('events: lost rows of flows spoiled their coverage; lost records of the socket probe do', async () => {
  const { coverage } = await events({})
  assert.deepEqual(coverage.lost, { ring_full: lost.ring_full })
  assert.equal((await events({ kind: 'dns' })).rows.length, 0)
})

test('monitor: without parameters, or with its own, the answer has its shape', async () => {
  const answer = await river.get<MonitorEvents>('/api/events', {})
  assert.ok(ajv.validate(monitorEvents, answer), ajv.errorsText())
  const wanted = rows.filter(isCall)
  assert.deepEqual([answer.count, answer.events.length], [100, 100])
  assert.equal(answer.total_count, wanted.length)
  const times = answer.events.map(({ time }) => time)
  assert.deepEqual(times, times.toSorted().toReversed())
  assert.equal(new Set(answer.events.map(({ id }) => id)).size, 100)
  const { text } = await river.ask('/api/events?type=packet_drop&limit=1')
  const [, stamp] = /"timestamp":(\d+)/.exec(text) ?? []
  const drops = rows.filter(({ kind }) => kind === 'drop').map(({ time }) => `${time}`)
  const newest = drops.toSorted().at(-1) as string
  assert.equal(BigInt(stamp as string) / 1_000_000n, BigInt(Date.parse(newest)))
})

test('monitor: a documented filter was ignored', async () => {
  const since = '2026-11-21T06:05:00Z'
  const until = '2026-11-21T06:10:00Z'
  const cases: [Parameters, (row: Row) => boolean][] = [
    [{ type: 'packet_drop' }, ({ kind }) => kind === 'drop'],
    [{ type: 'connection' }, ({ kind }) => kind === 'connection'],
    [{ pid: 102 }, (row) => pidOf(row) === 102],
    [{ pid: 202 }, (row) => pidOf(row) === 202],
    [{ command: "it's" }, (row) => commandOf(row) === "it's"],
    [
      { command: 'nginx', type: 'packet_drop' },
      (r) => commandOf(r) === 'nginx' && r['kind'] === 'drop',
    ],
    [{ k8s_node_name: 'node-b' }, ({ node }) => node === 'node-b'],
    [{ k8s_namespace: 'shop' }, (row) => isDst(row)],
    [{ k8s_pod_name: 'client-1' }, (row) => !isDst(row) && row['src_pod'] === 'client-1'],
    [{ k8s_pod_name: 'server-2' }, (row) => isDst(row) && row['dst_pod'] === 'server-2'],
    [{ k8s_pod_name: '', command: '', k8s_namespace: 'shop' }, (row) => isDst(row)],
    [{ since }, ({ time }) => `${time}` >= since.slice(0, -1)],
    [{ until }, ({ time }) => `${time}` < until.slice(0, -1)],
    [{ since, until, pid: 103 }, (row) => pidOf(row) === 103 && between(row, since, until)],
  ]
  for (const [parameters, keep] of cases) {
    const answer = await river.get<MonitorEvents>('/api/events', { limit: 1000, ...parameters })
    const wanted = rows.filter((row) => isCall(row) && keep(row))
    assert.ok(wanted.length > 0 && wanted.length < rows.length, JSON.stringify(parameters))
    const found = answer.events.map((each) => Number(each['source_port'])).toSorted()
    assert.deepEqual(found, ports(wanted), JSON.stringify(parameters))
    assert.equal(answer.total_count, wanted.length)
  }
  const none = await river.get<MonitorEvents>('/api/events', { k8s_pod_name: 'api-7' })
  assert.deepEqual([none.events, none.count, none.total_count], [[], 0, 0])
})

function between({ time }: Row, since: string, until: string): boolean {
  return `${time}` >= since.slice(0, -1) && `${time}` < until.slice(0, -1)
}

test('monitor: the return code of a connect() that failed was 0', async () => {
  const { events: found } = await river.get<MonitorEvents>('/api/events', {
    type: 'connection',
    limit: 1000,
  })
  const codes = new Map(found.map((each) => [each['source_port'], each['return_code']]))
  for (const row of rows.filter((each) => isCall(each) && each['kind'] === 'connection')) {
    assert.equal(codes.get(row['src_port'] as number), row['errno'] === 'ECONNREFUSED' ? 111 : 0)
  }
  const sixth = found.find(({ destination_ip: ip }) => ip === '2001:db8::2')
  assert.ok(sixth)
  assert.equal(sixth['destination'], `[2001:db8::2]:${sixth['destination_port']}`)
  assert.deepEqual((sixth['raw_ipv6'] as number[]).slice(0, 4), [0x20, 0x01, 0x0d, 0xb8])
})

test('monitor: what is wrong is said with the name of the parameter', async () => {
  const cases: [string, string][] = [
    ['type=drops', 'type'],
    ['pid=x', 'pid'],
    ['since=yesterday', 'since'],
    ['until=1', 'until'],
    ['since=now&until=-1h', 'since'],
    ['limit=0', 'limit'],
    ['command=a&command=b', 'command'],
    ['type=connection&kind=drop', 'type'],
    ['since=-1h&order=time', 'since'],
    ['node_name=x', 'node_name'],
  ]
  for (const [query, parameter] of cases) {
    const { status, body } = await river.ask(`/api/events?${query}`)
    assert.deepEqual([status, body.error?.details?.parameter], [400, parameter], query)
  }
  for (const query of ['duration_seconds=0', 'pid=-1', 'duration_seconds=ten']) {
    const { status, body } = await river.ask(`/api/connection-summary?${query}`)
    assert.deepEqual([status, body.error.details.parameter], [400, query.split('=')[0]], query)
  }
  const posted = await river.ask('/api/packet-drop-summary', { pid: 'x' })
  assert.deepEqual([posted.status, posted.body.error.details.parameter], [400, 'pid'])
})

test('monitor: summaries count calls and packets of the time asked for', async () => {
  const seconds = Number((nowNs - beginNs) / 1_000_000_000n)
  const asked = { duration_seconds: seconds }
  const all = await river.get<MonitorSummary>('/api/connection-summary', asked)
  assert.ok(ajv.validate(monitorSummary, all), ajv.errorsText())
  const calls = rows.filter((row) => isCall(row) && row['kind'] === 'connection')
  assert.equal(all.count, calls.length)
  assert.deepEqual(
    Object.values(all.count_by_node).reduce((a, b) => a + b, 0),
    calls.length,
  )
  const posted = await river.ask('/api/connection-summary', { ...asked, pid: 101 })
  assert.equal(posted.body.count, calls.filter((row) => pidOf(row) === 101).length)
  const drops = await river.get<MonitorSummary>('/api/packet-drop-summary', asked)
  const packets = rows.filter(({ kind }) => kind === 'drop').map(({ count }) => Number(count))
  assert.equal(
    drops.count,
    packets.reduce((a, b) => a + b, 0),
  )
  assert.equal((await river.get<MonitorSummary>('/api/packet-drop-summary', {})).count, 0)
})

test('monitor: lists by process, and the figures of the store', async () => {
  const list = await river.get<MonitorList>('/api/list-packet-drops', {})
  assert.ok(ajv.validate(monitorList, list), ajv.errorsText())
  assert.equal(list.total_events, 100)
  assert.equal(Object.values(list.events_by_pid).flat().length, 100)
  for (const [pid, some] of Object.entries(list.events_by_pid)) {
    assert.ok(some.every((each) => String(each.pid) === pid && each.type === 'packet_drop'))
  }
  const stats = await river.get<MonitorStats>('/api/stats', {})
  assert.ok(ajv.validate(monitorStats, stats), ajv.errorsText())
  const calls = rows.filter(isCall)
  assert.equal(stats.total_events, calls.length)
  const drops = calls.filter(({ kind }) => kind === 'drop').length
  assert.deepEqual(stats.events_by_type, { packet_drop: drops, connection: calls.length - drops })
})

/** As an agent of that monitor forwards it. */
const connection = {
  type: 'connection',
  pid: 4711,
  command: "for'ward",
  time: rfc3339(nowNs - 1_000_000_000n),
  k8s_node_name: 'other',
  return_code: 111,
  destination_ip: '2001:db8::7',
  destination_port: 53,
  protocol: 'TCP',
}

test('monitor: events that its agents forward are stored, all of a request or none', async () => {
  const drop = { ...connection, type: 'packet_drop', drop_reason: 'TCP_DROP', drop_reason_code: 2 }
  for (const [name, value] of Object.entries({
    type: 'files',
    pid: -1,
    time: 'now-ish',
    destination_ip: 'example.org',
    command: 7,
    k8s_pod_name: 7,
  })) {
    const events = [connection, { ...drop, [name]: value }]
    const { status, body } = await river.ask('/api/events/ingest', { events })
    assert.deepEqual([status, body.error.details.parameter], [400, `events[1].${name}`])
  }
  assert.equal((await river.ask('/api/events?command=for%27ward')).body.total_count, 0)
  const { body } = await river.ask('/api/events/ingest', { events: [connection, drop] })
  assert.deepEqual(body, { status: 'success', processed: 2, total: 2 })
  const found = await river.ask('/api/events?command=for%27ward&pid=4711&k8s_node_name=other')
  const keys = ['type', 'return_code', 'drop_reason', 'destination', 'protocol']
  assert.deepEqual(found.body.events.map((each: Row) => keys.map((key) => each[key])).toSorted(), [
    ['connection', 111, undefined, '[2001:db8::7]:53', 'TCP'],
    ['packet_drop', undefined, 'TCP_DROP', '[2001:db8::7]:53', 'TCP'],
  ])
})

test('monitor: the pod of a forwarded event was dropped, so no filter found it', async () => {
  const named = (pod: string, change: Readonly<Record<string, unknown>>) => ({
    ...{ ...connection, command: 'in-a-pod', k8s_namespace: 'store' },
    ...{ k8s_pod_name: pod, ...change },
  })
  const drop = { type: 'packet_drop', drop_reason: 'TCP_DROP' }
  const given = [
    named('cart-0', { pid: 71 }),
    named('cart-1', { pid: 72 }),
    named('cart-2', drop),
    named('cart-3', { ...drop, pid: 0 }), // nobody's: its end is the one where it arrived
  ]
  const { status } = await river.ask('/api/events/ingest', { events: given })
  assert.equal(status, 200)
  const keys = ['type', 'pid', 'command', 'k8s_namespace', 'k8s_pod_name'] as const
  const untilNow = { to: 'now' }
  for (const each of given) {
    const { k8s_pod_name: pod } = each
    const found = await river.get<MonitorEvents>('/api/events', { k8s_pod_name: pod })
    const shown = found.events.map((event) => keys.map((key) => event[key]))
    assert.deepEqual(shown, [keys.map((key) => each[key])], pod)
    assert.equal(found.total_count, 1)
    const both = { k8s_pod_name: pod, k8s_namespace: 'store', command: 'in-a-pod' }
    assert.equal((await river.get<MonitorEvents>('/api/events', both)).count, 1, pod)
    const ours = await events({ ...untilNow, [pod === 'cart-3' ? 'dst_pod' : 'src_pod']: pod })
    assert.deepEqual(
      ours.rows.map((row) => [row['src_pod'], row['dst_pod']].join('')),
      [pod],
    )
  }
  const none = await river.ask('/api/events?k8s_pod_name=cart-4')
  assert.deepEqual([none.body.events, none.body.total_count], [[], 0])
  assert.deepEqual((await events({ ...untilNow, src_pod: 'cart-4' })).rows, [])
  const all = await events({ ...untilNow, filter: 'pod ~ "^cart-"' })
  assert.equal(all.rows.length, given.length)
})

test('monitor: an event without a destination had one, and a protocol without a name had no number', async () => {
  const given = { destination_ip: '', destination_port: 0, protocol: 'Unknown(132)' }
  const local = { ...connection, ...given, command: 'to-nowhere' }
  await river.ask('/api/events/ingest', { events: [local] })
  const { events: found } = await river.get<MonitorEvents>('/api/events', { command: 'to-nowhere' })
  const keys = ['destination_ip', 'destination', 'address_family', 'protocol', 'raw_protocol']
  assert.deepEqual(
    found.map((event) => keys.map((key) => event[key])),
    [['', '', 0, 'SCTP', 132]],
  )
})
