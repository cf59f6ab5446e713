// Which directions of a connection a row of view interface has. An exporter reports each direction on its own, and the
// two may pass different routers: which node counts is chosen for each direction.

import { type Batch, type BlockView, readBlock } from '../../../wire/mod.ts'

/** What the key of a direction differs by: from the smaller end to the larger one, and back. */
export const ways = { up: 0, down: 0x1b87_3593 } as const

const needed = ['src_address', 'dst_address', 'src_port', 'dst_port', 'packets', 'reverse_packets']

/** The ways of a row; of one with both directions the first one decides. */
export function waysOf(view: BlockView): (row: number) => readonly number[] {
  const batch = readBlock(view, needed)
  const [packets, back] = ['packets', 'reverse_packets'].map((name) => valuesOf(batch, name))
  return (row) => {
    const sends = (packets?.[row] as number) > 0
    if (sends === (back?.[row] as number) > 0) return [ways.up, ways.down]
    return [isUp(batch, row) === sends ? ways.up : ways.down]
  }
}

/** Whether the row's source is the smaller end. */
function isUp(batch: Batch, row: number): boolean {
  const [src, dst] = [valuesOf(batch, 'src_address'), valuesOf(batch, 'dst_address')]
  for (let at = row * 16; at < row * 16 + 16; at++) {
    if (src[at] !== dst[at]) return (src[at] as number) < (dst[at] as number)
  }
  return (
    (valuesOf(batch, 'src_port')[row] as number) <= (valuesOf(batch, 'dst_port')[row] as number)
  )
}

function valuesOf(batch: Batch, name: string) {
  const column = batch.columns[name]
  if (!column) throw new Error(`${name} is not there`)
  return column.values
}
