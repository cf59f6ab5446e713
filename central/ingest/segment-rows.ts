// The rows of a segment file in ranges, each as blocks that can be inserted by themselves.

import {
  type BlockView,
  createBlockEncoder,
  createBlocksReader,
  pickRows,
  readBlock,
  rewriteBlock,
  type Table,
  tableNamed,
} from '../../wire/mod.ts'
import type { RowRange, Segment } from './segment-folder.ts'

export interface SegmentRows {
  readonly rows: number
  /** Blocks of the table's schema of today. */
  blocks(range: RowRange): readonly Uint8Array[]
  /** How many rows of the range each node sent; of tables that have no nodes none. */
  nodeRows(range: RowRange): Readonly<Record<string, number>>
}

/** `octets` is the whole file. Throws `bad_frame` if it is not what was written. */
export function readSegmentRows(segment: Segment, octets: Uint8Array): SegmentRows {
  const table = tableNamed(segment.table) as Table
  const views = createBlocksReader(table, segment.schema ?? 1)(octets)
  const encoder = createBlockEncoder()

  function blocks(range: RowRange): readonly Uint8Array[] {
    return partsOf(views, range).map(({ view, from, to }) => {
      if (from === 0 && to === view.rows) return rewriteBlock(view, encoder).octets
      const rows = Array.from({ length: to - from }, (_, index) => from + index)
      return Uint8Array.from(encoder.encode(pickRows(readBlock(view), rows)))
    })
  }

  /** What came from one node alone is of that node, whatever its rows say. */
  function nodeRows(range: RowRange): Readonly<Record<string, number>> {
    const nodes = Object.keys(segment.nodeRows)
    if (nodes.length < 2) {
      return Object.fromEntries(nodes.map((node) => [node, range.to - range.from]))
    }
    const found: Record<string, number> = {}
    for (const { view, from, to } of partsOf(views, range)) {
      const { columns, names } = readBlock(view, ['node'])
      for (let row = from; row < to; row++) {
        const node = names.text(columns['node']?.values[row] as number)
        found[node] = (found[node] ?? 0) + 1
      }
    }
    return found
  }

  return { rows: views.reduce((sum, view) => sum + view.rows, 0), blocks, nodeRows }
}

interface Part extends RowRange {
  readonly view: BlockView
}

/** What of each block is in the range. */
function partsOf(views: readonly BlockView[], range: RowRange): readonly Part[] {
  const parts: Part[] = []
  let before = 0
  for (const view of views) {
    const from = Math.max(range.from - before, 0)
    const to = Math.min(range.to - before, view.rows)
    if (from < to) parts.push({ view, from, to })
    before += view.rows
  }
  return parts
}
