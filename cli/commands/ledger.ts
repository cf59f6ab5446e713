// `weir ledger`: what each stage saw, let through, left out and lost, with the cause.

import type { LedgerAnswer } from '../../api/contract/mod.ts'
import type { Row } from '../../wire/mod.ts'
import { ledgerTable } from '../../wire/mod.ts'
import { createListing, listingFlags } from '../render/listing.ts'
import { grouped } from '../render/number.ts'
import type { TableColumn } from '../render/table.ts'
import { rowsOf } from '../render/truth.ts'
import { filterFault } from '../source/filter-flags.ts'
import { rangeFlags, rangeOf } from '../source/range.ts'
import { createServer, type Question, serverFlag } from '../source/server.ts'
import type { Command, Flag, Terminal, Values } from './command.ts'

const nameFields = ledgerTable.fields.filter((field) => field.kind === 'name')
const countFields = ledgerTable.fields.filter((field) => field.kind === 'counter')

const filterFlags: readonly Flag[] = nameFields.map((field) => ({
  name: field.name,
  kind: 'text',
  metavar: 'NAME',
  repeatable: true,
  help: field.help,
  group: 'Only rows with (repeatable: any of the values)',
}))

export const ledgerCommand: Command = {
  name: 'ledger',
  summary: 'Shows what every stage saw, left out and lost, and why.',
  description: 'In = out + filtered + sampled + lost + waiting, per node and stage.',
  flags: [...rangeFlags, serverFlag, ...listingFlags, ...filterFlags],
  examples: [
    { command: 'weir ledger', what: 'the last 15 minutes' },
    {
      command: 'weir ledger --for 1h --stage hook',
      what: 'what the kernel side counted in an hour',
    },
  ],
  run,
}

async function run(values: Values, terminal: Terminal): Promise<number> {
  const server = createServer(values, terminal.interrupted())
  const range = rangeOf('ledger', values, terminal.now())
  const filters: Question = nameFields.flatMap((field) =>
    values.list(field.name).map((value): [string, string] => {
      const fault = filterFault(field.name, field, value)
      if (fault) throw fault
      return [field.name, value]
    }),
  )
  const answer: LedgerAnswer = await server.ask('/api/ledger', [...range.question, ...filters])
  const fields = [...nameFields, ...countFields].map((field) => field.name)
  const listing = createListing(terminal, values, { columns: columns(values.on('raw')), fields })
  await listing.add(answer.rows)
  const { coverage } = answer
  const what = rowsOf(answer.rows.length, false)
  listing.end({ what, range: range.text, coverage, explain: 'see LOST' }, { next: null })
  return 0
}

/** The ledger is always exact, because it has to add up. */
function columns(raw: boolean): readonly TableColumn<Row>[] {
  return [
    ...nameFields.map(
      (field): TableColumn<Row> => ({
        head: field.label.toUpperCase(),
        priority: field.name === 'unit' ? 3 : 0,
        cell: (row) => String(row[field.name] ?? ''),
      }),
    ),
    ...countFields.map(
      (field): TableColumn<Row> => ({
        head: field.label.toUpperCase(),
        align: 'right',
        priority: field.name === 'sampled' ? 4 : 0,
        cell: (row) => (raw ? String(row[field.name]) : grouped(Number(row[field.name]))),
      }),
    ),
  ]
}
