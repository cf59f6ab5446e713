// POST /api/events/ingest: events that agents of the eBPF network monitor forward, as rows of our table. All of a
// request are stored, or none; the answer comes when they are on disk.

import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { parseInstant } from '../../common/mod.ts'
import {
  appendRow,
  type Batch,
  createBatch,
  errnoNames,
  eventKinds,
  eventTable,
  ipProtocols,
  parseAddress,
  type RowValues,
} from '../../wire/mod.ts'
import { monitorIngest } from '../contract/mod.ts'
import { badParameter } from '../errors.ts'
import { responses } from '../routes/responses.ts'
import { sideOf } from './filter.ts'

/** Takes rows of one node; resolves when they would survive a power loss. */
export type TakeRows = (node: string, batch: Batch) => Promise<void>

type Given = Readonly<Record<string, unknown>>

const eventsMax = 10_000
const bodyBytesMax = 8 * 1024 * 1024
const pastMaxNs = 7n * 86_400_000_000_000n
const futureMaxNs = 3_600_000_000_000n

export function monitorIngestRoute(
  app: FastifyInstance,
  { take, nowNs }: { readonly take: TakeRows; readonly nowNs: () => bigint },
): void {
  const event = Type.Object({}, { additionalProperties: true })
  const schema = {
    summary: 'Stores events of the eBPF network monitor',
    tags: ['monitor'],
    body: Type.Object(
      {
        events: Type.Array(event, {
          maxItems: eventsMax,
          description: 'As that monitor has them.',
        }),
      },
      { additionalProperties: false },
    ),
    response: responses(monitorIngest),
  }
  app.post('/api/events/ingest', { schema, bodyLimit: bodyBytesMax }, async (request) => {
    const { events } = request.body as { events: readonly Given[] }
    const rows = events.map((each, index) => rowOfEvent(each, `events[${index}]`, nowNs()))
    for (const [node, some] of byNode(rows)) {
      const batch = createBatch(eventTable, some.length)
      for (const row of some) appendRow(batch, row)
      await take(node, batch)
    }
    return { status: 'success', processed: rows.length, total: events.length }
  })
}

function byNode(rows: readonly RowValues[]): Map<string, RowValues[]> {
  const nodes = new Map<string, RowValues[]>()
  for (const row of rows) {
    const node = `${row['node']}`
    nodes.set(node, [...(nodes.get(node) ?? []), row])
  }
  return nodes
}

/** `place` names the event in errors. */
function rowOfEvent(event: Given, place: string, nowNs: bigint): RowValues {
  const type = textOf(event, 'type', place)
  const kind = eventKinds.find(({ monitorType }) => monitorType === type)?.name
  if (!kind) throw wrong(`${place}.type`, 'connection or packet_drop')
  const pid = numberOf(event, 'pid', place, 4_294_967_295)
  const own = kind === 'connection' ? connectionOf(event, place) : dropOf(event, place)
  const side = sideOf({ observer: kind === 'connection' ? 'src' : '', src_pid: pid })
  return {
    time: timeOf(event, place, nowNs),
    node: textOf(event, 'k8s_node_name', place) || 'unknown',
    kind,
    count: 1,
    protocol: protocolOf(event, place),
    src_address: addressOf(event, 'source_ip', place),
    src_port: numberOf(event, 'source_port', place, 65_535),
    dst_address: addressOf(event, 'destination_ip', place),
    dst_port: numberOf(event, 'destination_port', place, 65_535),
    [`${side}_pid`]: pid,
    [`${side}_process`]: textOf(event, 'command', place),
    [`${side}_namespace`]: textOf(event, 'k8s_namespace', place),
    [`${side}_pod`]: textOf(event, 'k8s_pod_name', place),
    ...own,
  }
}

function connectionOf(event: Given, place: string): RowValues {
  const code = numberOf(event, 'return_code', place, 4095)
  const errno = code === 0 ? '' : (errnoNames.get(code) ?? String(code))
  const result = code === 0 ? 'established' : errno === 'ECONNREFUSED' ? 'refused' : 'unknown'
  return { phase: 'attempt', observer: 'src', result, errno }
}

function dropOf(event: Given, place: string): RowValues {
  return {
    reason: textOf(event, 'drop_reason', place),
    reason_code: numberOf(event, 'drop_reason_code', place, 4_294_967_295),
    packet_size_bytes: numberOf(event, 'packet_size_bytes', place, 4_294_967_295),
  }
}

/** That monitor writes `Unknown(132)` for a number without a name. */
function protocolOf(event: Given, place: string): string {
  const name = textOf(event, 'protocol', place).toLowerCase()
  const number = /^unknown\((\d+)\)$/.exec(name)?.[1]
  return number === undefined ? name : (ipProtocols[Number(number)] ?? name)
}

function timeOf(event: Given, place: string, nowNs: bigint): bigint {
  const time = parseInstant(textOf(event, 'time', place), 0n)
  if (time === undefined) throw wrong(`${place}.time`, 'RFC 3339')
  if (time >= nowNs - pastMaxNs && time <= nowNs + futureMaxNs) return time
  throw wrong(`${place}.time`, 'a time of the last 7 days')
}

function textOf(event: Given, name: string, place: string): string {
  const value = event[name] ?? ''
  if (typeof value === 'string' && value.length <= 256) return value
  throw wrong(`${place}.${name}`, 'a text of at most 256 characters')
}

function numberOf(event: Given, name: string, place: string, most: number): number {
  const value = event[name] ?? 0
  if (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most) return Number(value)
  throw wrong(`${place}.${name}`, `a whole number of 0 to ${most}`)
}

function addressOf(event: Given, name: string, place: string): string {
  const text = textOf(event, name, place) || '::'
  if (parseAddress(text)) return text
  throw wrong(`${place}.${name}`, 'an address')
}

function wrong(parameter: string, wanted: string) {
  return badParameter(parameter, 'it cannot be that', `Give ${wanted}.`)
}
