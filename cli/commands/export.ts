// `weir export`: all rows of a range into a file, or of Parquet and Arrow into a folder of files (export-parts.ts). What
// was fetched stays: the same command goes on where it ended.
//
//   FILE.part        what is fetched so far
//   FILE.part.json   the question, the cursor of the next page, and how many octets of FILE.part are whole
//   FILE             when everything is there

import { createHash } from 'node:crypto'
import { open, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import type { RowsAnswer } from '../../api/contract/mod.ts'
import { messageOf } from '../../common/mod.ts'
import { type Row, type Table, tableNamed } from '../../wire/mod.ts'
import { cliError } from '../errors.ts'
import { csvLine } from '../render/csv.ts'
import { listingFlags } from '../render/listing.ts'
import { grouped } from '../render/number.ts'
import { tellTruth } from '../render/truth.ts'
import { filterOperand } from '../source/filter-flags.ts'
import { rangeFlags, rangeOf, secondsOf } from '../source/range.ts'
import { createServer, type Question, type Server, serverFlag } from '../source/server.ts'
import { type Command, note, type Terminal, type Values } from './command.ts'
import { type Exported, type ExportJob, exportParts } from './export-parts.ts'

const pageRows = 10_000
const tables = ['flows', 'events'] as const

export const exportCommand: Command = {
  name: 'export',
  summary: 'Writes all rows of a range into a file; goes on where it was interrupted.',
  description:
    'The range ends where it ended when the export began. FILE appears when it is complete; until then FILE.part and FILE.part.json hold what there is. Parquet and Arrow have no file that could be continued: FILE is a folder of files of up to 250,000 rows, and _manifest.json in it names those that are whole.',
  operands: [
    { name: 'TABLE', required: true, choices: tables, help: 'flows or events.' },
    { ...filterOperand, help: 'Only rows for which this holds: dst_port = 443.' },
  ],
  flags: [
    {
      name: 'file',
      short: 'o',
      kind: 'text',
      metavar: 'FILE',
      help: 'The file to write; it must not be there yet.',
    },
    {
      name: 'format',
      kind: 'choice',
      choices: ['ndjson', 'csv', 'parquet', 'arrow'],
      default: 'ndjson',
      help: 'ndjson: a JSON object per line; csv: RFC 4180 with a head; parquet, arrow: a folder of files.',
    },
    ...rangeFlags,
    serverFlag,
    ...listingFlags.filter((flag) => flag.name === 'utc'),
  ],
  examples: [
    { command: 'weir export flows --for 24h -o flows.ndjson', what: 'a day of connections' },
    {
      command: "weir export flows 'dst_port = 443' --for 1h --format csv -o tls.csv",
      what: 'a table',
    },
    {
      command: 'weir export flows --for 7d --format parquet -o week',
      what: 'a folder for pandas, DuckDB or Spark',
    },
  ],
  run,
}

interface State {
  /** Of the question and the format: another one begins anew. */
  readonly what: string
  readonly question: Question
  readonly cursor: string | null
  readonly octets: number
  readonly rows: number
}

async function run(values: Values, terminal: Terminal): Promise<number> {
  const [name = '', ...filters] = [
    ...values.operands('TABLE'),
    ...values.operands(filterOperand.name),
  ]
  const file = values.text('file')
  if (file === undefined) {
    throw cliError('missing_value', {
      details: { command: 'export', name: '--file', metavar: 'FILE' },
    })
  }
  const range = rangeOf('export', values, terminal.now())
  const format = values.text('format') ?? ''
  const filter = filters.map((text): [string, string] => ['filter', text])
  const limits = ['for', 'from', 'to'].map((flag) => values.text(flag))
  const what = digestOf([name, format, ...limits, ...filters])
  const question: Question = [...range.question, ...filter]
  const job: ExportJob = { table: tableNamed(name) as Table, file, format, what, question }
  const server = createServer(values, terminal)
  const isColumnar = format === 'parquet' || format === 'arrow'
  const done = await (isColumnar ? exportParts : exportLines)(job, server, terminal)
  const about = {
    what: `${grouped(done.rows)} rows in ${file}`,
    range: range.text,
    seconds: secondsOf(range),
  }
  tellTruth(terminal, { ...about, coverage: done.coverage, explain: 'weir ledger' })
  return 0
}

async function exportLines(job: ExportJob, server: Server, terminal: Terminal): Promise<Exported> {
  const { table, file, format, what } = job
  const part = `${file}.part`
  const question: Question = [...job.question, ['order', 'time']]
  const out = await opened(file, { what, question, cursor: null, octets: 0, rows: 0 })
  let { state } = out
  if (state.octets > 0) note(terminal, `going on after ${grouped(state.rows)} rows`)
  let answer: RowsAnswer
  try {
    do {
      const page: [string, string][] = [['limit', String(pageRows)]]
      if (state.cursor !== null) page.push(['cursor', state.cursor])
      answer = await server.ask<RowsAnswer>(`/api/${table.name}`, [...state.question, ...page])
      const text = textOf(answer.rows, { table, format, isFirst: state.octets === 0 })
      const { bytesWritten } = await out.handle.write(text)
      await out.handle.sync()
      const rows = state.rows + answer.rows.length
      state = { ...state, cursor: answer.next, octets: state.octets + bytesWritten, rows }
      await writeFile(`${part}.json`, JSON.stringify(state))
      if (terminal.progress) terminal.err.write(`\r\x1b[2K${grouped(rows)} rows`)
    } while (answer.next !== null)
  } finally {
    if (terminal.progress) terminal.err.write('\r\x1b[2K')
    await out.handle.close()
  }
  await rename(part, file)
  await rm(`${part}.json`)
  return { rows: state.rows, coverage: answer.coverage }
}

/** The file as far as it is whole; a part of the same command goes on. */
async function opened(file: string, fresh: State) {
  const part = `${file}.part`
  try {
    const known = await knownState(`${part}.json`)
    const state = known?.what === fresh.what ? known : fresh
    const done = await open(file, 'wx')
    await done.close()
    await rm(file)
    const handle = await open(part, state.octets > 0 ? 'a' : 'w')
    await truncate(part, state.octets)
    return { handle, state }
  } catch (cause) {
    const reason = messageOf(cause)
    throw cliError('file_unwritable', { details: { file, reason }, cause })
  }
}

async function knownState(path: string): Promise<State | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as State
  } catch {
    return undefined
  }
}

interface Form {
  readonly table: Table
  readonly format: string
  readonly isFirst: boolean
}

function textOf(rows: readonly Row[], { table, format, isFirst }: Form): string {
  if (format === 'ndjson') return rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  const names = table.fields.map((field) => field.name)
  const head = isFirst ? `${names.join(',')}\r\n` : ''
  return head + rows.map((row) => `${csvLine(names.map((name) => row[name] ?? null))}\r\n`).join('')
}

function digestOf(parts: readonly (string | undefined)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
