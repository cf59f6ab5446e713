// A row of events as the eBPF network monitor writes one.

import { createHash } from 'node:crypto'
import { constants } from 'node:os'
import { parseInstant } from '../../common/mod.ts'
import {
  eventKindNamed,
  eventTable,
  ipProtocols,
  type JsonValue,
  parseAddress,
  type Row,
} from '../../wire/mod.ts'
import type { MonitorEvent } from '../contract/mod.ts'
import { sideOf } from './filter.ts'

const [unspecified, inet, inet6] = [0, 2, 10]
const [stream, datagram] = [1, 2]
const identity = ['time', ...eventTable.identity]

export function monitorEventOf(row: Row): MonitorEvent {
  const side = sideOf(row)
  const kind = `${row['kind']}`
  return {
    id: idOf(row),
    type: eventKindNamed(kind)?.monitorType ?? kind,
    pid: Number(row[`${side}_pid`]),
    command: `${row[`${side}_process`]}`,
    timestamp: exact(parseInstant(`${row['time']}`, 0n) ?? 0n),
    time: `${row['time']}`,
    k8s_node_name: `${row['node']}`,
    k8s_pod_name: `${row[`${side}_pod`]}`,
    k8s_namespace: `${row[`${side}_namespace`]}`,
    ...placeOf(row),
    ...ownOf(kind, row),
  }
}

/** Where from and where to. The address `::` is none that a packet could have gone to: it is not known. */
function placeOf(row: Row): Record<string, unknown> {
  const address = row['dst_address'] === '::' ? '' : `${row['dst_address']}`
  const port = Number(row['dst_port'])
  const isSixth = address.includes(':')
  return {
    source_ip: row['src_address'],
    source_port: row['src_port'],
    destination_ip: address,
    destination_port: port,
    destination: address === '' ? '' : isSixth ? `[${address}]:${port}` : `${address}:${port}`,
    address_family: address === '' ? unspecified : isSixth ? inet6 : inet,
    protocol: `${row['protocol']}`.toUpperCase(),
    count: row['count'],
  }
}

function ownOf(kind: string, row: Row): Record<string, unknown> {
  if (kind === 'connection') return connectionOf(row)
  if (kind === 'drop') return dropOf(row)
  const own = eventKindNamed(kind)?.fields ?? []
  const given = own.map((name): [string, JsonValue] => [name, row[name] ?? null])
  return Object.fromEntries(given.filter(([, value]) => value !== null && value !== ''))
}

function connectionOf(row: Row): Record<string, unknown> {
  const protocol = `${row['protocol']}`
  const octets = parseAddress(`${row['dst_address']}`)
  const isSixth = `${row['dst_address']}`.includes(':')
  return {
    return_code: errnoOf(`${row['errno']}`),
    result: row['result'],
    socket_type: protocol === 'udp' ? 'DGRAM' : 'STREAM',
    raw_socktype: protocol === 'udp' ? datagram : stream,
    raw_protocol: Math.max(0, ipProtocols.indexOf(protocol)),
    raw_ipv4:
      isSixth || !octets ? 0 : octets.subarray(12).reduce((sum, octet) => sum * 256 + octet, 0),
    raw_ipv6: isSixth && octets ? [...octets] : Array(16).fill(0),
  }
}

function dropOf(row: Row): Record<string, unknown> {
  return {
    drop_reason: row['reason'],
    drop_reason_code: row['reason_code'] ?? 0,
    location: row['location'],
    skb_length: row['packet_size_bytes'] ?? 0,
    packet_size_bytes: row['packet_size_bytes'] ?? 0,
  }
}

/** Positive; a number without a name on this host stands in the row as it is. */
function errnoOf(name: string): number {
  if (name === '') return 0
  return constants.errno[name as keyof typeof constants.errno] ?? (Number(name) || 0)
}

function idOf(row: Row): string {
  const key = JSON.stringify(identity.map((name) => row[name]))
  return createHash('sha256').update(key).digest('hex').slice(0, 16)
}

/** An integer beyond 2^53 in JSON. */
function exact(ns: bigint): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(ns))
}
