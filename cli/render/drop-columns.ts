// The columns of `weir drops`: how many and when, then the fields that the lines are grouped by.

import { dropReasons, eventTable, fieldsByName, type JsonValue, type Row } from '../../wire/mod.ts'
import { addressText } from './endpoint.ts'
import { count, volume } from './number.ts'
import type { TableColumn } from './table.ts'
import { ago } from './time.ts'

export interface DropColumnOptions {
  readonly raw: boolean
  readonly utc: boolean
  readonly now: () => number
}

const labels = new Map(eventTable.fields.map(({ name, label }) => [name, label.toUpperCase()]))
const heads: Readonly<Record<string, string>> = {
  location: 'WHERE',
  src_address: 'SOURCE',
  dst_address: 'DESTINATION',
  dst_port: 'PORT',
  protocol: 'PROTO',
}
/** What leaves a narrow screen first. */
const priorities: Readonly<Record<string, number>> = { location: 3, protocol: 2 }

export function dropColumns(
  by: readonly string[],
  { raw, utc, now }: DropColumnOptions,
): readonly TableColumn<Row>[] {
  const right = 'right' as const
  const names = by.flatMap((name) =>
    (fieldsByName(eventTable).get(name) ?? []).map((field) => field.name),
  )
  return [
    {
      head: 'LAST',
      priority: 4,
      cell: (row) => (raw ? String(row['last']) : ago(String(row['last']), { nowMs: now(), utc })),
    },
    {
      head: 'COUNT',
      align: right,
      priority: 0,
      cell: (row) => (raw ? String(row['count']) : count(Number(row['count']))),
    },
    {
      head: 'SIZE',
      align: right,
      priority: 6,
      detail: true,
      cell: (row) => (raw ? String(row['bytes']) : volume(Number(row['bytes']))),
    },
    ...names.map(
      (name): TableColumn<Row> => ({
        head: heads[name] ?? labels.get(name) ?? name.toUpperCase(),
        priority: priorities[name] ?? 0,
        least: 12,
        cell: (row) => valueText(name, row[name] ?? null, raw),
      }),
    ),
    ...(names.includes('reason') ? [meansColumn] : []),
  ]
}

/** What the reason is called, and the command that says more. */
const meansColumn: TableColumn<Row> = {
  head: 'WHAT IT MEANS',
  priority: 1,
  cell: (row) => {
    const name = String(row['reason'] || 'unknown')
    const words = Object.hasOwn(dropReasons, name) ? dropReasons[name] : undefined
    return words ? `${words.title}: ${words.next[1]}` : '–'
  },
}

function valueText(name: string, value: JsonValue, raw: boolean): string {
  if (value === null || value === '') return '–'
  if (name.endsWith('_port') && value === 0) return '–'
  return name.endsWith('_address') ? addressText(value, raw) : String(value)
}
