// A checked block as a block of the table's schema of today: columns that its schema lacks are filled, columns
// that central resolves are replaced whole, all others are copied as they are.

import { type Batch, createBatch } from '../model/columns.ts'
import type { Field } from '../model/field.ts'
import { type BlockView, emptyView, headOf } from './block-check.ts'
import type { BlockEncoder } from './block-encode.ts'
import { fillOlder } from './block-read.ts'

/** Columns to put in place of the block's own: those of `batch` under `names`, one value per row of the block. */
export interface Replaced {
  readonly batch: Batch
  readonly names: ReadonlySet<string>
}

/** The view itself when nothing has to change, else one of new memory: of what was checked, so it needs no check. */
export function rewriteBlock(
  view: BlockView,
  encoder: BlockEncoder,
  replaced?: Replaced,
): BlockView {
  const { table, fields, rows, octets } = view
  const isSame = fields.length === table.fields.length && (replaced?.names.size ?? 0) === 0
  if (isSame) return view
  const older = olderColumns(view)
  const head = Buffer.concat([varint(table.fields.length), varint(rows)])
  return joined(view, head, table.fields.map(columnOf))

  function columnOf(field: Field): Uint8Array {
    if (replaced?.names.has(field.name)) {
      return Uint8Array.from(encoder.encodeColumn(replaced.batch, field))
    }
    const index = fields.indexOf(field)
    if (index < 0) return Uint8Array.from(encoder.encodeColumn(older, field))
    return octets.subarray(view.from[index], view.to[index])
  }
}

function joined(
  { table, rows }: BlockView,
  head: Uint8Array,
  columns: readonly Uint8Array[],
): BlockView {
  const octets = Buffer.concat([head, ...columns])
  const view = emptyView(table, table.fields, { rows, octets })
  let at = head.length
  for (const [index, field] of table.fields.entries()) {
    view.from[index] = at
    view.data[index] = at + headOf(field).length
    at += (columns[index] as Uint8Array).length
    view.to[index] = at
  }
  return view
}

/** The columns that the view's schema lacks, as rows of it read. */
function olderColumns({ table, fields, rows }: BlockView): Batch {
  const missing = table.fields.filter((field) => !fields.includes(field))
  const batch = createBatch({ ...table, fields: missing }, rows)
  batch.length = rows
  for (const column of Object.values(batch.columns)) fillOlder(column)
  return batch
}

function varint(value: number): Uint8Array {
  const octets: number[] = []
  let rest = value
  while (rest >= 128) {
    octets.push((rest & 127) | 128)
    rest >>>= 7
  }
  octets.push(rest)
  return Uint8Array.from(octets)
}
