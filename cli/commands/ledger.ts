// `weir ledger`: what each stage saw, let through, left out and lost, with the cause.

import type { LedgerAnswer } from '../../api/contract/mod.ts'
import type { Field, Row } from '../../wire/mod.ts'
import { ledgerTable } from '../../wire/mod.ts'
import { createListing, listingFlags } from '../render/listing.ts'
import { grouped } from '../render/number.ts'
import type { TableColumn } from '../render/table.ts'
import { rowsOf } from '../render/truth.ts'
import { filterFault } from '../source/filter-flags.ts'
import { noteNodes } from '../source/node-notes.ts'
import { rangeFlags, rangeOf, secondsOf } from '../source/range.ts'
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
  summary:
    'Shows for each step, from the kernel to the store, how much came in, went on and was lost.',
  description:
    'WAITING is what is queued in the step: before the range → at its end. So for each line IN = OUT + FILTERED + SAMPLED + LOST + the change of WAITING; a line that does not add up says so.',
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
  const range = rangeOf('ledger', values, terminal.now())
  const filters: Question = nameFields.flatMap((field) =>
    values.list(field.name).map((value): [string, string] => {
      const fault = filterFault(field.name, field, value)
      if (fault) throw fault
      return [field.name, value]
    }),
  )
  const server = createServer(values, terminal)
  const answer: LedgerAnswer = await server.ask('/api/ledger', [...range.question, ...filters])
  const fields = [...nameFields, ...countFields].map((field) => field.name)
  fields.push('waiting_before')
  const listing = createListing(terminal, values, {
    columns: columns(answer.rows, values.on('raw')),
    fields,
  })
  await listing.add(answer.rows)
  const { coverage } = answer
  const what = rowsOf(answer.rows.length, false)
  const truth = { what, range: range.text, seconds: secondsOf(range), coverage }
  listing.end({ ...truth, explain: 'see LOST' }, { next: null })
  await noteNodes(server, terminal)
  return 0
}

/** The ledger is always exact, because it has to add up. */
function columns(rows: readonly Row[], raw: boolean): readonly TableColumn<Row>[] {
  // A column in which nothing stands would only take room.
  const isUsed = ({ name }: Field): boolean => rows.some((row) => (row[name] ?? '') !== '')
  const number = (value: unknown): string => (raw ? String(value) : grouped(Number(value)))
  return [
    ...nameFields.filter(isUsed).map(
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
        cell: (row) =>
          field.name === 'waiting' ? waitingCell(row, number) : number(row[field.name]),
      }),
    ),
    { head: '', priority: 0, cell: imbalance },
  ]
}

/** `12 → 31`; one number when it did not change. */
function waitingCell(row: Row, number: (value: unknown) => string): string {
  const [before, after] = [number(row['waiting_before'] ?? 0), number(row['waiting'])]
  return before === after ? after : `${before} → ${after}`
}

/** A stage's own line has to add up; lines of a cause are parts of it. */
function imbalance(row: Row): string {
  if (row['cause'] !== '') return ''
  const of = (name: string): number => Number(row[name] ?? 0)
  const out = of('left') + of('filtered') + of('sampled') + of('lost')
  const difference = of('entered') - out - (of('waiting') - of('waiting_before'))
  if (difference === 0) return ''
  return `does not add up: ${grouped(Math.abs(difference))} ${difference > 0 ? 'went' : 'came'} unseen`
}
