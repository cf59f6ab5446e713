// `weir programs`: the BPF programs of every node, what they cost, and which are not there and why.

import type { ProgramsAnswer } from '../../api/contract/mod.ts'
import { programTable, type Row } from '../../wire/mod.ts'
import { createListing, listingFlags } from '../render/listing.ts'
import { grouped } from '../render/number.ts'
import type { TableColumn } from '../render/table.ts'
import { rowsOf } from '../render/truth.ts'
import { filterFault } from '../source/filter-flags.ts'
import { noteNodes } from '../source/node-notes.ts'
import { rangeFlags, rangeOf, secondsOf } from '../source/range.ts'
import { createServer, type Question, serverFlag } from '../source/server.ts'
import type { Command, Flag, Terminal, Values } from './command.ts'

const filterFields = programTable.fields.filter((field) => field.kind === 'name')

const filterFlags: readonly Flag[] = filterFields.map((field) => ({
  name: field.name,
  kind: 'text',
  metavar: 'NAME',
  repeatable: true,
  help: field.help,
  group: 'Only programs with (repeatable: any of the values)',
}))

export const programsCommand: Command = {
  name: 'programs',
  summary: 'Shows the BPF programs of every node: hook, state, runs, run time, memory of maps.',
  description:
    'Agents report at their start and once a minute; the last report of the range is shown. RUNS and RUN TIME are counted where kernel.bpf_stats_enabled is on; elsewhere they are – in the table, 0 in the forms for programs. A map that programs share is in MAPS of each of them.',
  flags: [...rangeFlags, serverFlag, ...listingFlags, ...filterFlags],
  examples: [
    { command: 'weir programs', what: 'what runs, and what does not and why' },
    { command: 'weir programs --state failed', what: 'probes that could not be opened' },
  ],
  run,
}

async function run(values: Values, terminal: Terminal): Promise<number> {
  const range = rangeOf('programs', values, terminal.now())
  const filters: Question = filterFields.flatMap((field) =>
    values.list(field.name).map((value): [string, string] => {
      const fault = filterFault(field.name, field, value)
      if (fault) throw fault
      return [field.name, value]
    }),
  )
  const server = createServer(values, terminal)
  const answer: ProgramsAnswer = await server.ask('/api/programs', [...range.question, ...filters])
  const fields = programTable.fields.map((field) => field.name)
  const listing = createListing(terminal, values, {
    columns: columns(values.on('raw'), answer.rows),
    fields,
  })
  await listing.add(answer.rows)
  const { coverage } = answer
  const what = rowsOf(answer.rows.length, false)
  const truth = { what, range: range.text, seconds: secondsOf(range), coverage }
  listing.end({ ...truth, explain: 'see weir ledger' }, { next: null })
  await noteNodes(server, terminal)
  return 0
}

/** Exact figures: they are compared with those of bpftool. */
function columns(raw: boolean, rows: readonly Row[]): readonly TableColumn<Row>[] {
  // The kernel counts runs of all programs of a host, or of none.
  const counting = new Set(rows.filter((row) => Number(row['runs']) > 0).map((row) => row['node']))
  const number = (value: unknown): string => (raw ? String(value) : grouped(Number(value)))
  const shown = programTable.fields.filter(({ name }) => name !== 'time')
  return shown.map((field): TableColumn<Row> => {
    const { name, kind, label } = field
    const unit = field.unit ? ` (${field.unit})` : ''
    const head = `${label}${unit}`.toUpperCase()
    const isText = kind === 'name' || kind === 'text'
    return {
      head,
      priority: priorities[name] ?? 0,
      ...(isText ? {} : { align: 'right' as const }),
      ...(name === 'reason' ? { least: 20 } : {}),
      cell: (row) => {
        if (name.startsWith('run') && !counting.has(row['node'])) return '–'
        return kind === 'counter' ? number(row[name]) : String(row[name] ?? '')
      },
    }
  })
}

/** What leaves a narrow screen first. */
const priorities: Readonly<Record<string, number>> = { probe: 3, program_id: 2, map_bytes: 1 }
