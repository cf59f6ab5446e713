// What /metrics.json shows (reference system 000): per agent all packets, by label, and the last 256, since central
// started. Frames of the XDP telemetry agent come here at once and whole; packets that Weir's own agents report
// come as durable rows, which name their interface and not its index.

import { messageOf, parseInstant, type Reporter, rfc3339 } from '../../common/mod.ts'
import { type Batch, eventTable, type Row, readBlock, rowOf } from '../../wire/mod.ts'
import type { DurableRows, Segments } from '../ingest/segments.ts'
import type { TelemetryEvent } from './frame.ts'

export interface PacketFeed {
  /** A frame of the XDP telemetry agent. */
  take(event: TelemetryEvent): void
  /** The document, as text: its timestamps have more digits than a number of JavaScript. */
  json(): string
}

const recentMax = 256
const agentsMax = 1024
const labelsMax = 4096
const fields = [
  'time',
  'node',
  'kind',
  'count',
  'label',
  'action',
  'interface',
  'packet_size_bytes',
  'src_address',
  'src_port',
  'dst_address',
  'dst_port',
]

interface Agent {
  total: number
  readonly labels: Map<number, number>
  /** Oldest first. */
  readonly recent: Packet[]
}

/** Hears all that becomes durable. */
export function createPacketFeed(tee: Segments['tee'], reporter: Reporter): PacketFeed {
  /** By how long nothing was heard of them: the first goes when there are too many. */
  const agents = new Map<string, Agent>()
  tee(hear)

  function agentOf(id: string): Agent {
    const agent = agents.get(id) ?? { total: 0, labels: new Map(), recent: [] }
    agents.delete(id)
    const [silent] = agents.keys()
    if (agents.size >= agentsMax && silent !== undefined) agents.delete(silent)
    agents.set(id, agent)
    return agent
  }

  function add(id: string, packet: Packet): void {
    const agent = agentOf(id)
    agent.total += packet.count
    const label = packet.members.label_id
    const known = agent.labels.get(label)
    if (known !== undefined || agent.labels.size < labelsMax) {
      agent.labels.set(label, (known ?? 0) + packet.count)
    }
    agent.recent.push(packet)
    if (agent.recent.length > recentMax) agent.recent.shift()
  }

  function hear({ table, blocks }: DurableRows): void {
    if (table !== eventTable) return
    try {
      for (const view of blocks) {
        const kinds = readBlock(view, ['kind'])
        if (!hasPackets(kinds)) continue
        const batch = readBlock(view, fields)
        for (let index = 0; index < batch.length; index++) hearRow(rowOf(batch, index))
      }
    } catch (error) {
      reporter.limited.error('packets', { err: messageOf(error) }, 'reading packets')
    }
  }

  function hearRow(row: Row): void {
    // Without an interface it came as a frame.
    if (row['kind'] !== 'packet' || row['interface'] === '') return
    add(String(row['node']), packetOfRow(row))
  }

  function json(): string {
    const total = [...agents.values()].reduce((sum, agent) => sum + agent.total, 0)
    const nodes = [...agents]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([id, agent]) => nodeText(id, agent))
    return `{"total_events":${total},"nodes":[${nodes.join()}]}`
  }

  return { take: (event) => add(event.agentId, packetOfEvent(event)), json }
}

function hasPackets({ columns, names, length }: Batch): boolean {
  const values = columns['kind']?.values
  for (let row = 0; row < length; row++) {
    if (names.text(values?.[row] as number) === 'packet') return true
  }
  return false
}

function nodeText(id: string, { total, labels, recent }: Agent): string {
  const counts = [...labels]
    .toSorted(([one], [other]) => one - other)
    .map(([label, count]) => `{"label_id":${label},"count":${count}}`)
  const head = `"agent_id":${JSON.stringify(id)},"total_events":${total}`
  return `{${head},"label_counts":[${counts.join()}],"recent_events":[${recent.map(packetText).join()}]}`
}

interface Packet {
  readonly count: number
  readonly timeNs: bigint
  readonly members: Members
  /** Keys of ours beside the ten. */
  readonly more: Readonly<Record<string, string>>
}

/** Of the ten keys of 000 those behind its timestamp, in its order. */
interface Members {
  readonly ifindex: number
  readonly queue_id: number
  readonly action: number
  readonly label_id: number
  readonly data_len: number
  readonly src_ip: string
  readonly dst_ip: string
  readonly src_port: number
  readonly dst_port: number
}

function packetText({ timeNs, members, more }: Packet): string {
  const rest = JSON.stringify({ ...members, timestamp: rfc3339(timeNs), ...more })
  return `{"timestamp_ns":${timeNs},${rest.slice(1)}`
}

function packetOfEvent(event: TelemetryEvent): Packet {
  const members = {
    ifindex: event.ifindex,
    queue_id: event.queue,
    action: event.action,
    label_id: event.labelId,
    data_len: event.dataLength,
    src_ip: event.source || '-',
    dst_ip: event.destination || '-',
    src_port: event.sourcePort,
    dst_port: event.destinationPort,
  }
  return { count: 1, timeNs: event.timestampNs, members, more: {} }
}

const actions: Readonly<Record<string, number>> = { drop: 1, pass: 2 }

/** Index and queue are not in rows: 0, and the interface's name beside it. */
function packetOfRow(row: Row): Packet {
  const label = Number(row['label'])
  const address = (name: string) => (row[name] === '::' ? '-' : String(row[name]))
  const members = {
    ifindex: 0,
    queue_id: 0,
    action: actions[String(row['action'])] ?? 2,
    label_id: Number.isInteger(label) ? label : 0,
    data_len: Number(row['packet_size_bytes'] ?? 0),
    src_ip: address('src_address'),
    dst_ip: address('dst_address'),
    src_port: Number(row['src_port']),
    dst_port: Number(row['dst_port']),
  }
  const timeNs = parseInstant(String(row['time']), 0n) ?? 0n
  const more = { interface: String(row['interface']) }
  return { count: Number(row['count']), timeNs, members, more }
}
