// The columns of `weir events`: when, what in words, and between whom. What a kind says stands in one cell, so that
// events of all kinds are one list.

import type { JsonValue, Row } from '../../wire/mod.ts'
import { endpointText } from './endpoint.ts'
import { count, duration } from './number.ts'
import type { TableColumn } from './table.ts'
import { ago, clockSeconds } from './time.ts'

export interface EventColumnOptions {
  readonly raw: boolean
  readonly utc: boolean
  readonly now: () => number
  /** The listing goes on: an age would be wrong a moment later. */
  readonly follow: boolean
}

export function eventColumns(options: EventColumnOptions): readonly TableColumn<Row>[] {
  const { raw, utc, now, follow } = options
  const right = 'right' as const
  const time = (row: Row): string => {
    const text = textOf(row['time'])
    const clock = { nowMs: now(), utc }
    if (raw) return text
    return follow ? clockSeconds(text, clock) : ago(text, clock)
  }
  return [
    { head: raw || follow ? 'TIME' : 'AGO', priority: 5, cell: time },
    { head: 'NODE', priority: 8, detail: true, cell: (row) => textOf(row['node']) },
    { head: 'KIND', priority: 3, cell: (row) => textOf(row['kind']) },
    { head: 'COUNT', align: right, priority: 2, cell: (row) => countOf(row, raw) },
    { head: 'WHAT', priority: 0, least: 20, cell: whatOf },
    { head: 'SOURCE', priority: 0, least: 15, cell: (row) => endOf(row, 'src', raw) },
    { head: 'DESTINATION', priority: 0, least: 15, cell: (row) => endOf(row, 'dst', raw) },
    { head: 'PROTO', priority: 7, detail: true, cell: (row) => textOf(row['protocol']) },
    { head: 'INTERFACE', priority: 9, detail: true, cell: (row) => textOf(row['interface']) },
  ]
}

/** What happened, by kind: the fields that only this kind has. */
function whatOf(row: Row): string {
  const words = (...names: readonly string[]) =>
    names
      .map((name) => textOf(row[name]))
      .filter((text) => text !== '')
      .join(' ')
  switch (row['kind']) {
    case 'connection':
      return row['result'] === row['phase']
        ? words('phase', 'errno')
        : words('phase', 'result', 'errno')
    case 'drop':
      return [words('reason'), words('location')].filter(Boolean).join(' at ')
    case 'retransmit':
      return words('state')
    case 'reset':
      return words('direction', 'state', 'reason')
    case 'dns': {
      const took = row['dns_latency_ns']
      const time = typeof took === 'number' ? ` in ${duration(took)}` : ''
      return `${words('dns_type', 'dns_name')} → ${words('dns_rcode')}${time}`
    }
    default:
      return words('label', 'action')
  }
}

/** Of one event there is nothing to count. */
function countOf(row: Row, raw: boolean): string {
  const value = Number(row['count'] ?? 1)
  return raw ? String(value) : count(value)
}

/** `nginx[811] 192.0.2.7:443`: the process only where it is known. */
function endOf(row: Row, end: 'src' | 'dst', raw: boolean): string {
  const process = textOf(row[`${end}_process`])
  const pid = row[`${end}_pid`]
  const who = process === '' ? '' : `${process}${pid ? `[${pid}]` : ''} `
  return who + endpointText(row[`${end}_address`], row[`${end}_port`], raw)
}

function textOf(value: JsonValue | undefined): string {
  return value === null || value === undefined ? '' : String(value)
}
