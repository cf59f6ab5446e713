// `weir exports`: who else gets the rows, how far each receiver is, and what went wrong last.

import type { ExportStatus, ExportsAnswer } from '../../api/contract/mod.ts'
import type { Row } from '../../wire/mod.ts'
import { escapedJson } from '../render/escape.ts'
import { createListing, listingFlags } from '../render/listing.ts'
import { grouped } from '../render/number.ts'
import type { TableColumn } from '../render/table.ts'
import { createServer, serverFlag } from '../source/server.ts'
import { type Command, note, print, type Terminal, type Values } from './command.ts'

export const exportsCommand: Command = {
  name: 'exports',
  summary: 'Shows who else gets the rows: lag, errors, last success of every export.',
  description:
    'Exports are listed in the configuration file under `exports`. What a receiver has missed waits for it; what is lost is also in weir ledger, stage export.',
  flags: [serverFlag, ...listingFlags],
  examples: [{ command: 'weir exports', what: 'every export of the central on this host' }],
  run,
}

const fields = [
  'name',
  'kind',
  'target',
  'tables',
  'state',
  'lag_rows',
  'lag_ms',
  'rows',
  'filtered_rows',
  'lost_rows',
  'repeated_rows',
  'failures',
  'last_success',
  'last_error',
  'last_error_time',
] as const satisfies readonly (keyof ExportStatus)[]

async function run(values: Values, terminal: Terminal): Promise<number> {
  const answer = await createServer(values, terminal).ask<ExportsAnswer>('/api/exports', [])
  if (values.text('output') === 'json') {
    print(terminal, escapedJson(answer))
    return 0
  }
  const raw = values.on('raw')
  const listing = createListing(terminal, values, { columns: columns(raw), fields: [...fields] })
  await listing.add(answer.rows)
  const { length } = answer.rows
  if (length === 0) note(terminal, 'no exports: see exports in docs/reference/config.md')
  return 0
}

function columns(raw: boolean): readonly TableColumn<Row>[] {
  const number = (value: unknown): string => (raw ? String(value) : grouped(Number(value)))
  const count = (head: string, name: string, priority = 0): TableColumn<Row> => ({
    head,
    priority,
    align: 'right',
    cell: (row) => number(row[name]),
  })
  const text = (head: string, name: string, priority = 0): TableColumn<Row> => ({
    head,
    priority,
    cell: (row) => String(row[name] ?? ''),
  })
  return [
    text('NAME', 'name'),
    text('KIND', 'kind', 1),
    text('TARGET', 'target', 3),
    text('STATE', 'state'),
    count('ROWS', 'rows'),
    count('LAG', 'lag_rows'),
    count('LAG (MS)', 'lag_ms', 2),
    count('LOST', 'lost_rows'),
    count('REPEATED', 'repeated_rows', 4),
    count('FAILURES', 'failures', 5),
    text('LAST SUCCESS', 'last_success', 2),
    { ...text('LAST ERROR', 'last_error'), least: 20 },
  ]
}
