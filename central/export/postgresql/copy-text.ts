// Rows in the text format of COPY (https://www.postgresql.org/docs/15/sql-copy.html, File Formats): columns apart by
// a tab, rows by a newline, \N for null, backslashes before what would be mistaken.

import { type Batch, type Column, type Field, formatAddress } from '../../../wire/mod.ts'
import type { ExportBatch } from '../receiver.ts'

type CellText = (row: number) => string

const chunkLength = 256 * 1024

/** The rows as text in chunks, in the order of `fields`. */
export function* copyText(batch: ExportBatch, fields: readonly Field[]): Generator<string> {
  let text = ''
  for (const part of batch.parts) {
    const cells = fields.map((field) =>
      cellOf(part.batch, part.batch.columns[field.name] as Column),
    )
    const last = cells.length - 1
    for (const row of part.rows) {
      for (let index = 0; index < last; index++) text += `${(cells[index] as CellText)(row)}\t`
      text += `${(cells[last] as CellText)(row)}\n`
      if (text.length < chunkLength) continue
      yield text
      text = ''
    }
  }
  if (text !== '') yield text
}

function cellOf(batch: Batch, column: Column): CellText {
  const { nulls } = column
  const known = knownCell(batch, column)
  return nulls ? (row) => (nulls[row] === 1 ? '\\N' : known(row)) : known
}

function knownCell(batch: Batch, { field, values }: Column): CellText {
  switch (field.kind) {
    case 'name':
    case 'text': {
      const known: (string | undefined)[] = []
      return (row) => {
        const index = values[row] as number
        const text = known[index] ?? escaped(batch.names.text(index))
        known[index] = text
        return text
      }
    }
    case 'time':
      return (row) => timeOf(values[row * 2] as number, values[row * 2 + 1] as number)
    case 'id':
      return (row) => pairText(values[row * 2] as number, values[row * 2 + 1] as number)
    case 'address':
      return (row) => formatAddress(values as Uint8Array, row * 16)
    case 'flag':
      return (row) => (values[row] === 0 ? 'f' : 't')
    case 'octets':
      return (row) =>
        `\\\\x${Buffer.from(heapOctets(batch, values[row] as number)).toString('hex')}`
    case 'list':
      return (row) => escaped(arrayOf(batch.heap.lists[values[row] as number] ?? []))
    default:
      return (row) => String(values[row])
  }
}

function heapOctets(batch: Batch, index: number): Uint8Array {
  return batch.heap.octets[index] ?? new Uint8Array(0)
}

/** Nanoseconds as microseconds, which is what PostgreSQL keeps, cut and not rounded. */
function timeOf(low: number, high: number): string {
  const micros = (BigInt(high) * 0x1_0000_0000n + BigInt(low)) / 1000n
  const ms = Number(micros / 1000n)
  return `${new Date(ms).toISOString().slice(0, -1)}${String(micros % 1000n).padStart(3, '0')}Z`
}

function pairText(low: number, high: number): string {
  return high < 0x20_0000
    ? String(high * 0x1_0000_0000 + low)
    : (BigInt(high) * 0x1_0000_0000n + BigInt(low)).toString()
}

/** A text has no octet 0 in PostgreSQL: it becomes U+FFFD. */
function escaped(text: string): string {
  return text.replaceAll(/[\\\t\n\r\0]/g, (found) => escapes[found] as string)
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\0': '\ufffd',
}

function arrayOf(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`
}
