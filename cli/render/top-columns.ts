// The columns of `weir top`: the group, then its metrics, with a picture of how its rate moved.

import { flowTable, type JsonValue, type Row } from '../../wire/mod.ts'
import type { TopResult } from '../source/top-answer.ts'
import { addressText } from './endpoint.ts'
import { count, duration, percent, rate, volume } from './number.ts'
import { sparkline } from './sparkline.ts'
import type { TableColumn } from './table.ts'

const sparkColumns = 12
const labels = new Map(
  [...flowTable.fields, ...flowTable.derived].map((field) => [field.name, field.label]),
)
/** Heads shorter than the label, where the group leaves no doubt. */
const shortHeads: Readonly<Record<string, string>> = {
  src_process: 'SOURCE',
  dst_process: 'DESTINATION',
}

/** Marks the row that stands for all groups beyond the limit. */
export const restMark = '(other)'

/** `moving`: on a live screen the picture of the rate leaves last. */
export function topColumns(
  result: TopResult,
  raw: boolean,
  moving = false,
): readonly TableColumn<Row>[] {
  const bytes = raw ? String : volume
  const whole = raw ? String : count
  const metric = (name: string, show: (value: number) => string) => (row: Row) =>
    typeof row[name] === 'number' ? show(row[name]) : '–'
  const right = 'right' as const
  // The newest step of all rows is in one column.
  const width = moving ? sparkColumns : 0
  return [
    ...result.by.map(
      (name, at): TableColumn<Row> => ({
        head: headOf(name, result.by),
        priority: 0,
        least: 12,
        cell: (row) => groupCell(row, { name, at, raw }),
      }),
    ),
    { head: 'CONNECTIONS', align: right, priority: 2, cell: metric('connections', whole) },
    { head: 'SENT', align: right, priority: 1, cell: metric('bytes', bytes) },
    { head: 'RECEIVED', align: right, priority: 1, cell: metric('reverse_bytes', bytes) },
    { head: 'RATE', align: right, priority: 0, cell: (row) => rateOf(row, result.seconds, raw) },
    {
      head: sparkline(sumOfSteps(result), sparkColumns).padStart(width),
      ...(moving ? { priority: 1 } : { priority: 6, detail: true as const }),
      cell: (row) => sparkline(result.steps(row) ?? [], sparkColumns).padStart(width),
    },
    {
      head: 'RTT p95',
      align: right,
      priority: 3,
      cell: metric('rtt_p95_ns', raw ? String : duration),
    },
    {
      head: 'RETRANSMITS',
      align: right,
      priority: 5,
      detail: true,
      cell: (row) => retransmitShare(row, raw),
    },
    { head: 'FAILED', align: right, priority: 4, cell: metric('failed', whole) },
  ]
}

/**
 * All groups that are not shown, as one row: exact for what adds up, unknown for the rest. Undefined when
 * every group is shown.
 */
export function restRow(result: TopResult): Row | undefined {
  const groups = Number(result.totals['groups'])
  if (groups <= result.rows.length) return undefined
  const rest: Record<string, JsonValue> = { [restMark]: groups - result.rows.length }
  for (const name of additive) rest[name] = difference(result, name)
  return rest
}

const additive = [
  'total',
  'bytes',
  'reverse_bytes',
  'packets',
  'reverse_packets',
  'retransmits',
  'reverse_retransmits',
  'failed',
]

function difference(result: TopResult, name: string): JsonValue {
  const total = result.totals[name]
  if (typeof total !== 'number') return null
  return result.rows.reduce((left, row) => left - Number(row[name] ?? 0), total)
}

function headOf(name: string, by: readonly string[]): string {
  const other = name.startsWith('src_') ? 'dst_port' : 'src_port'
  if (name.endsWith('_port') && name !== other && !by.includes(other)) return 'PORT'
  const label = shortHeads[name] ?? (labels.get(name) ?? name).toUpperCase()
  // A process and an address of one end would have the same head.
  const isTwin = name.endsWith('_address') && by.includes(name.replace('_address', '_process'))
  return isTwin ? `${label} ADDRESS` : label
}

interface GroupCell {
  readonly name: string
  /** Place of the field in the group. */
  readonly at: number
  readonly raw: boolean
}

function groupCell(row: Row, { name, at, raw }: GroupCell): string {
  if (restMark in row) return at === 0 ? `(other, ${row[restMark]})` : ''
  if (name === 'dst_port' && row['folded_ports']) return `:* (${row['folded_ports']} ports)`
  const value = row[name]
  if (value === '' || value === null || value === undefined) return '–'
  return /(?:^|_)address$/.test(name) ? addressText(value, raw) : String(value)
}

/** How the rate of all shown groups together moved. */
function sumOfSteps({ rows, steps }: TopResult): readonly number[] {
  const sums: number[] = []
  for (const row of rows) {
    for (const [step, bytes] of (steps(row) ?? []).entries()) {
      sums[step] = (sums[step] ?? 0) + bytes
    }
  }
  return sums
}

function rateOf(row: Row, seconds: number, raw: boolean): string {
  const parts = [row['bytes'], row['reverse_bytes']]
  if (seconds <= 0 || parts.some((part) => typeof part !== 'number')) return '–'
  const bytes = Number(parts[0]) + Number(parts[1])
  return raw ? String(Math.round((bytes * 8) / seconds)) : rate(bytes, seconds)
}

/** Of all segments in both directions; unknown when neither sender's socket is seen. */
function retransmitShare(row: Row, raw: boolean): string {
  const again = [row['retransmits'], row['reverse_retransmits']].filter(
    (v) => typeof v === 'number',
  )
  const segments = Number(row['packets']) + Number(row['reverse_packets'])
  if (again.length === 0) return '–'
  const sum = again.reduce((total, value) => total + value, 0)
  if (raw) return String(sum)
  return segments === 0 ? '0' : percent(sum / segments)
}
