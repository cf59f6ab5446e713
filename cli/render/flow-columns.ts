// The columns of `weir flows`. SENT and RECEIVED are since the connection was opened, as ss shows them;
// increments are in the json, ndjson and csv forms.

import type { JsonValue, Row } from '../../wire/mod.ts'
import { endpointText } from './endpoint.ts'
import { count, duration, volume } from './number.ts'
import { shortenedProcesses, withoutPids } from './process-pair.ts'
import type { TableColumn } from './table.ts'
import { ago, type Clock, clockSeconds, clockTime } from './time.ts'

export interface FlowColumnOptions {
  readonly raw: boolean
  readonly utc: boolean
  /** Time of the answer, or of now for a listing that goes on. */
  readonly now: () => number
  /** The listing goes on: an age would be wrong a moment later. */
  readonly follow: boolean
  /** Whether rows may come from more than one node. */
  readonly nodes: boolean
  /** Rows are of view interface. */
  readonly interfaces?: boolean
}

const failed = new Set(['refused', 'unreachable', 'no_port', 'abandoned', 'timeout'])

export function flowColumns(options: FlowColumnOptions): readonly TableColumn<Row>[] {
  const { raw } = options
  const clock = (): Clock => ({ nowMs: options.now(), utc: options.utc })
  const bytes = raw ? text : (value: JsonValue) => number(value, volume)
  const nanoseconds = raw ? text : (value: JsonValue) => number(value, duration)
  const right = 'right' as const
  const node: TableColumn<Row> = { head: 'NODE', priority: 8, cell: (row) => text(row['node']) }
  return [
    whenColumn(options, clock),
    ...(options.nodes ? [{ ...node, detail: true as const }] : []),
    {
      head: 'PROCESS',
      priority: 0,
      least: 14,
      compact: withoutPids,
      shorten: shortenedProcesses,
      cell: processes,
    },
    { head: 'SOURCE', priority: 0, least: 15, cell: (row) => endpoint(row, 'src', raw) },
    { head: '→', priority: 6, detail: true, cell: () => '' },
    { head: 'DESTINATION', priority: 0, least: 15, cell: (row) => endpoint(row, 'dst', raw) },
    { head: 'PROTO', priority: 9, detail: true, cell: (row) => text(row['protocol']) },
    ...(options.interfaces ? ofInterfaces(raw) : [{ head: 'STATE', priority: 1, cell: stateOf }]),
    {
      head: 'SENT',
      align: right,
      priority: 2,
      cell: (row) => estimated(row, bytes(row['total_bytes'] ?? null)),
    },
    {
      head: 'RECEIVED',
      align: right,
      priority: 3,
      cell: (row) => estimated(row, bytes(row['total_reverse_bytes'] ?? null)),
    },
    ...(options.interfaces ? [] : ofSockets(options, nanoseconds)),
  ]
}

/** What only sockets know. */
function ofSockets(
  options: FlowColumnOptions,
  nanoseconds: (value: JsonValue) => string,
): readonly TableColumn<Row>[] {
  const right = 'right' as const
  const { raw } = options
  const clock = (): Clock => ({ nowMs: options.now(), utc: options.utc })
  return [
    { head: 'RTT', align: right, priority: 4, cell: (row) => nanoseconds(row['rtt_ns'] ?? null) },
    { head: 'RETR', align: right, priority: 7, detail: true, cell: (row) => retransmits(row, raw) },
    { head: '', priority: 6, detail: true, cell: (row) => remark(row, clock()) },
  ]
}

/** Where packets passed, and how many in the interval, both ways. */
function ofInterfaces(raw: boolean): readonly TableColumn<Row>[] {
  const shown = raw ? text : (value: JsonValue) => number(value, count)
  const packets = (row: Row) => Number(row['packets'] ?? 0) + Number(row['reverse_packets'] ?? 0)
  return [
    { head: 'INTERFACE', priority: 1, cell: (row) => text(row['interface']) },
    {
      head: 'PACKETS',
      align: 'right' as const,
      priority: 1,
      cell: (row) => estimated(row, shown(packets(row))),
    },
  ]
}

/** Of one packet in N: marked, so that nobody takes it for a count. */
function estimated(row: Row, figure: string): string {
  return Number(row['sampling'] ?? 0) > 1 ? `~${figure}` : figure
}

function whenColumn(options: FlowColumnOptions, clock: () => Clock): TableColumn<Row> {
  const time = (row: Row): string => String(row['time'])
  if (options.raw) return { head: 'TIME', priority: 5, cell: time }
  if (options.follow) {
    return { head: 'TIME', priority: 5, cell: (row) => clockSeconds(time(row), clock()) }
  }
  return { head: 'AGO', priority: 5, cell: (row) => ago(time(row), clock()) }
}

/** The initiator's process; with an arrow the responder's. Both when both are on this node. */
function processes(row: Row): string {
  const [src, dst] = [processOf(row, 'src'), processOf(row, 'dst')]
  if (dst === '') return src === '' ? '–' : src
  return `${src}${src === '' ? '' : ' '}→ ${dst}`
}

function processOf(row: Row, end: 'src' | 'dst'): string {
  const pid = row[`${end}_pid`]
  const name = text(row[`${end}_process`])
  if (name === '–' || name === '') return ''
  return pid ? `${name}[${pid}]` : name
}

function endpoint(row: Row, end: 'src' | 'dst', raw: boolean): string {
  return endpointText(row[`${end}_address`], row[`${end}_port`], raw)
}

function stateOf(row: Row): string {
  return text(row['end_reason'] || row['state'] || null)
}

function retransmits(row: Row, raw: boolean): string {
  const known = [row['retransmits'], row['reverse_retransmits']].filter(
    (v) => typeof v === 'number',
  )
  if (known.length === 0) return '–'
  const sum = known.reduce((total, value) => total + value, 0)
  return raw ? String(sum) : count(sum)
}

function remark(row: Row, clock: Clock): string {
  if (row['errno']) {
    return failed.has(String(row['end_reason'])) ? `connect: ${row['errno']}` : `${row['errno']}`
  }
  if (row['end'] !== null || row['state'] === 'syn_sent') return ''
  if (row['start'] === null) return 'open before Weir'
  const start = String(row['start'])
  return clock.nowMs - Date.parse(start) > 60_000 ? `since ${clockTime(start, clock)}` : ''
}

function number(value: JsonValue, show: (value: number) => string): string {
  return typeof value === 'number' ? show(value) : '–'
}

function text(value: JsonValue | undefined): string {
  return value === null || value === undefined ? '–' : String(value)
}
