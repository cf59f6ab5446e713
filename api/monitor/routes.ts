// The routes of the eBPF network monitor and its aggregator, answered from the table of events. /api/events and
// /api/programs are ours as well: routes/ decides there which shape is asked for.

import type { FastifyInstance, FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { rfc3339 } from '../../common/mod.ts'
import { type QuestionOptions, type Range, readPage } from '../../store/query/mod.ts'
import { eventKinds, eventTable, type Field, type Row } from '../../wire/mod.ts'
import {
  type MonitorEvent,
  type MonitorEvents,
  type MonitorList,
  type MonitorStats,
  type MonitorSummary,
  type MonitorSummaryQuestion,
  monitorList,
  monitorStats,
  monitorSummary,
  monitorSummaryQuestion,
} from '../contract/mod.ts'
import type { Query } from '../question/query.ts'
import { parseRange } from '../question/time.ts'
import type { RouteDeps } from '../routes/deps.ts'
import { responses } from '../routes/responses.ts'
import { monitorEventOf } from './event.ts'
import { type MonitorFilters, monitorFilter, sideOf } from './filter.ts'
import { eventGroupsOf } from './groups.ts'

const time = eventTable.fields.find(({ name }) => name === 'time') as Field
const newestFirst = { by: time, descending: true }
const everything = '-30d'
const listed = 100
const none = Type.Object({}, { additionalProperties: false })

interface EventsQuestion {
  readonly filters: MonitorFilters
  readonly range: Range
  readonly limit: number
}

async function readEvents({ reader }: RouteDeps, asked: EventsQuestion, options: QuestionOptions) {
  const { range, limit, filters } = asked
  const question = { table: eventTable, range, filter: monitorFilter(filters), order: newestFirst }
  const { rows } = await readPage(reader, { ...question, limit }, options)
  return rows
}

/** The answer of /api/events in that shape; `query` is validated. */
export function answerMonitorEvents(deps: RouteDeps, query: Query, reply: FastifyReply) {
  const filters = filtersOf(query)
  const limit = query['limit'] as number
  return deps.ask(
    reply,
    async (options): Promise<MonitorEvents> => {
      const nowNs = deps.nowNs()
      const { since = everything, until = 'now' } = query as Record<string, string>
      const range = monitorRange(since, until, nowNs)
      const filter = monitorFilter(filters)
      const [rows, counts] = await Promise.all([
        readEvents(deps, { filters, range, limit }, options),
        eventGroupsOf(deps, { range, filter }, ['kind'], options),
      ])
      return {
        events: rows.map(monitorEventOf),
        count: rows.length,
        total_count: counts.totals.events,
        query_time: rfc3339(nowNs),
        filters: { ...filters, ...given(query, ['since', 'until']), limit },
      }
    },
    limit,
  )
}

function monitorRange(since: string, until: string, nowNs: bigint): Range {
  return parseRange(since, until, nowNs, ['since', 'until'])
}

const names = ['type', 'command', 'k8s_node_name', 'k8s_pod_name', 'k8s_namespace']

/** `pid` is a list, as a field of ours is. */
function filtersOf(query: Query): MonitorFilters {
  const [pid] = (query['pid'] as readonly number[] | undefined) ?? []
  return { ...given(query, names), ...(pid === undefined ? {} : { pid }) }
}

function given(query: Query, wanted: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(wanted.flatMap((name) => (name in query ? [[name, query[name]]] : [])))
}

/** All that is not /api/events and /api/programs. */
export function monitorRoutes(app: FastifyInstance, deps: RouteDeps): void {
  const kinds = [
    ['connection', 'connection-summary', 'list-connections'],
    ['drop', 'packet-drop-summary', 'list-packet-drops'],
  ] as const
  for (const [kind, summary, list] of kinds) {
    const { title, monitorType: type } =
      eventKinds.find(({ name }) => name === kind) ?? eventKinds[0]
    const tags = ['monitor']
    const described = {
      summary: `${title} of the last seconds, in the shape of the eBPF network monitor`,
      tags,
      response: responses(monitorSummary),
    }
    app.get(
      `/api/${summary}`,
      { schema: { ...described, querystring: monitorSummaryQuestion } },
      ({ query }, reply) => answerSummary(deps, type, query as MonitorSummaryQuestion, reply),
    )
    app.post(
      `/api/${summary}`,
      { schema: { ...described, body: monitorSummaryQuestion } },
      ({ body }, reply) => answerSummary(deps, type, body as MonitorSummaryQuestion, reply),
    )
    const listSchema = {
      summary: `The newest ${listed} of the last hour by process, in the shape of the eBPF network monitor`,
      tags,
      querystring: none,
      response: responses(monitorList),
    }
    app.get(`/api/${list}`, { schema: listSchema }, (_, reply) => answerList(deps, type, reply))
  }
  const stats = {
    summary: 'How many events there are, in the shape of the eBPF network monitor',
    tags: ['monitor'],
    querystring: none,
    response: responses(monitorStats),
  }
  app.get('/api/stats', { schema: stats }, (_, reply) => answerStats(deps, reply))
}

function answerSummary(
  deps: RouteDeps,
  type: string,
  { pid = 0, command = '', duration_seconds: seconds = 60 }: MonitorSummaryQuestion,
  reply: FastifyReply,
): Promise<MonitorSummary> {
  return deps.ask(reply, async (options) => {
    const nowNs = deps.nowNs()
    const range = { fromNs: nowNs - BigInt(seconds) * 1_000_000_000n, toNs: nowNs }
    const process = { ...(pid === 0 ? {} : { pid }), ...(command === '' ? {} : { command }) }
    const filter = monitorFilter({ type, ...process })
    const { rows, totals } = await eventGroupsOf(deps, { range, filter }, ['node'], options)
    const byNode = rows.map(({ node, count }): [string, number] => [String(node), Number(count)])
    return {
      count: totals.count,
      pid,
      command,
      duration_seconds: seconds,
      count_by_node: Object.fromEntries(byNode),
      total_nodes: byNode.length,
      query_time: rfc3339(nowNs),
    }
  })
}

function answerList(deps: RouteDeps, type: string, reply: FastifyReply): Promise<MonitorList> {
  return deps.ask(reply, async (options) => {
    const nowNs = deps.nowNs()
    const range = { fromNs: nowNs - 3_600_000_000_000n, toNs: nowNs }
    const rows = await readEvents(deps, { filters: { type }, range, limit: listed }, options)
    const byPid = grouped(rows, (row) => `${row[`${sideOf(row)}_pid`]}`)
    const byNode = grouped(rows, (row) => `${row['node']}`)
    return {
      total_pids: Object.keys(byPid).length,
      total_events: rows.length,
      total_nodes: Object.keys(byNode).length,
      events_by_pid: byPid,
      events_by_node: byNode,
      query_time: rfc3339(nowNs),
    }
  })
}

function grouped(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
): Record<string, MonitorEvent[]> {
  const groups: Record<string, MonitorEvent[]> = Object.create(null)
  for (const row of rows) {
    const key = keyOf(row)
    groups[key] ??= []
    groups[key].push(monitorEventOf(row))
  }
  return groups
}

async function answerStats(deps: RouteDeps, reply: FastifyReply): Promise<MonitorStats> {
  const { started, nodes } = await deps.health()
  return deps.ask(reply, async (options) => {
    const nowNs = deps.nowNs()
    const filter = monitorFilter({})
    const [all, lastHour] = await Promise.all([
      eventGroupsOf(
        deps,
        { range: monitorRange(everything, 'now', nowNs), filter },
        ['kind', 'node'],
        options,
      ),
      eventGroupsOf(deps, { range: monitorRange('-1h', 'now', nowNs), filter }, ['kind'], options),
    ])
    const total = all.totals.events
    const types = all.rows.map(({ kind, events }): [string, number] => {
      return [
        eventKinds.find(({ name }) => name === kind)?.monitorType ?? String(kind),
        Number(events),
      ]
    })
    return {
      total_events: total,
      events_by_type: summed(types),
      events_by_node: summed(all.rows.map(({ node, events }) => [String(node), Number(events)])),
      last_event_time:
        all.rows
          .map(({ last }) => String(last))
          .toSorted()
          .at(-1) ?? null,
      start_time: started,
      current_events_last_hour: lastHour.totals.events,
      total_events_in_storage: total,
      connected_agents: nodes.filter(({ state }) => state !== 'gone').length,
      query_time: rfc3339(nowNs),
    }
  })
}

function summed(entries: readonly (readonly [string, number])[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const [name, count] of entries) sums[name] = (sums[name] ?? 0) + count
  return sums
}
