// Rows as JSON objects, as the API's answers have them, straight from columns.

import { rfc3339 } from '../../common/mod.ts'
import { type Batch, type Column, type Field, formatAddress } from '../../wire/mod.ts'
import type { ExportBatch } from './receiver.ts'

type JsonText = (row: number) => string

/** The text of every row, in order, with these fields alone. */
export function* jsonRows(batch: ExportBatch, fields: readonly Field[]): Generator<string> {
  for (const { batch: some, rows } of batch.parts) {
    const members = fields.map(({ name }, index): readonly [string, JsonText] => [
      `${index === 0 ? '' : ','}${JSON.stringify(name)}:`,
      textOf(some, some.columns[name] as Column),
    ])
    for (const row of rows) {
      let text = '{'
      for (const [name, value] of members) text += name + value(row)
      yield `${text}}`
    }
  }
}

function textOf(batch: Batch, column: Column): JsonText {
  const { nulls } = column
  const known = knownText(batch, column)
  return nulls ? (row) => (nulls[row] === 1 ? 'null' : known(row)) : known
}

function knownText({ names, heap }: Batch, { field, values }: Column): JsonText {
  switch (field.kind) {
    case 'name':
    case 'text': {
      const known: (string | undefined)[] = []
      return (row) => {
        const index = values[row] as number
        known[index] ??= JSON.stringify(names.text(index))
        return known[index]
      }
    }
    case 'time':
      return (row) => `"${rfc3339(pairOf(values, row))}"`
    case 'id':
      return (row) => `"${pairOf(values, row)}"`
    case 'address':
      return (row) => `"${formatAddress(values as Uint8Array, row * 16)}"`
    case 'flag':
      return (row) => (values[row] === 1 ? 'true' : 'false')
    case 'octets':
      return (row) =>
        `"${Buffer.from(heap.octets[values[row] as number] as Uint8Array).toString('base64')}"`
    case 'list':
      return (row) => JSON.stringify(heap.lists[values[row] as number])
    default:
      return (row) => String(values[row])
  }
}

function pairOf(values: Column['values'], row: number): bigint {
  return (BigInt(values[row * 2 + 1] as number) << 32n) | BigInt(values[row * 2] as number)
}

/** Fields of the plans by the name of their table, in the table's order. */
export function chosenFields(
  plans: readonly { readonly table: ExportBatch['table']; readonly fields: readonly string[] }[],
): ReadonlyMap<string, readonly Field[]> {
  return new Map(
    plans.map(({ table, fields }) => {
      const wanted = new Set(fields)
      return [table.name, table.fields.filter(({ name }) => wanted.has(name))]
    }),
  )
}
