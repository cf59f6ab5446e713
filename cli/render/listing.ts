// One listing in the form that was asked for: a table for people, rows with field names and raw units for
// programs. Never both mixed; the line of truth goes to standard error in every form.

import { once } from 'node:events'
import { type Batch, jsonChunks, type Row } from '../../wire/mod.ts'
import { type Flag, print, type Terminal, type Values } from '../commands/command.ts'
import { csvLine } from './csv.ts'
import { escapedJson } from './escape.ts'
import { createTable, type TableColumn } from './table.ts'
import { type Truth, tellTruth } from './truth.ts'

/** Flags of every listing. */
export const listingFlags: readonly Flag[] = [
  {
    name: 'output',
    short: 'o',
    kind: 'choice',
    choices: ['table', 'json', 'ndjson', 'csv'],
    default: 'table',
    env: 'WEIR_OUTPUT',
    help: 'table for people; json, ndjson, csv with field names and raw units for programs.',
    group: 'Output',
  },
  { name: 'raw', kind: 'switch', help: 'Plain numbers and times in the table.', group: 'Output' },
  { name: 'utc', kind: 'switch', help: 'Clock times in UTC, not local.', group: 'Output' },
]

export interface Listing {
  /** Shows rows; resolves when the reader of standard output has kept up. */
  readonly add: (rows: readonly Row[]) => Promise<void>
  /** The same for ndjson alone, from columns: for very many rows. */
  readonly addBatch: (batch: Batch, limit: number) => Promise<void>
  /** Shows what needs the whole answer, then the line of truth. */
  readonly end: (truth: Truth, rest?: Readonly<Record<string, unknown>>) => void
  /** The same of what has no coverage: settings, not measurements. */
  readonly finish: () => void
}

export interface ListingShape {
  readonly columns: readonly TableColumn<Row>[]
  /** Names of the csv columns, in order. */
  readonly fields: readonly string[]
}

export function createListing(terminal: Terminal, values: Values, shape: ListingShape): Listing {
  const form = values.text('output')
  const table = createTable(shape.columns, terminal.columns)
  const kept: Row[] = []
  let headed = false

  function linesOf(rows: readonly Row[]): readonly string[] {
    if (form === 'ndjson') return rows.map(escapedJson)
    if (form !== 'csv') return table.lines(rows)
    const lines = rows.map((row) => csvLine(shape.fields.map((name) => row[name] ?? null)))
    const head = headed ? [] : [shape.fields.join(',')]
    headed = true
    return [...head, ...lines]
  }

  async function addBatch(batch: Batch, limit: number): Promise<void> {
    const rows = Array.from({ length: Math.min(batch.length, limit) }, (_, row) => row)
    const chunks = jsonChunks([{ batch, rows }], batch.table.fields, { quote: escapedJson })
    for (const { octets } of chunks) await write(octets)
  }

  async function write(text: string | Uint8Array): Promise<void> {
    if (!terminal.out.write(text)) await once(terminal.out, 'drain')
  }

  async function add(rows: readonly Row[]): Promise<void> {
    if (form === 'json') kept.push(...rows)
    else if (rows.length > 0 || form === 'csv') {
      const lines = linesOf(rows)
      if (lines.length > 0) await write(`${lines.join('\n')}\n`)
    }
  }

  function end(truth: Truth, rest: Readonly<Record<string, unknown>> = {}): void {
    const { coverage } = truth
    if (form === 'json') print(terminal, escapedJson({ rows: kept, ...rest, coverage }))
    tellTruth(terminal, truth)
  }

  function finish(): void {
    if (form === 'json') print(terminal, escapedJson({ rows: kept }))
  }

  return { add, addBatch, end, finish }
}
