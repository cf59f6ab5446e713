// A capture as rows of view interface, as an agent would have reported them when the packets passed: in intervals of the
// capture's own time. Nothing of this host is in them.

import { createHash } from 'node:crypto'
import type { Replay } from '../../kernel/mod.ts'
import { appendRow, type Batch, createBatch, flowTable, ledgerTable } from '../../wire/mod.ts'
import { createCgroups } from '../identity/cgroups.ts'
import { createInterfaces } from '../interfaces/interfaces.ts'
import { momentOf } from '../rows/moment.ts'
import { createConnections } from '../tcp/state.ts'
import { type CaptureEnd, playInto } from './capture.ts'
import type { CaptureRecord } from './format.ts'

export interface CaptureRows extends CaptureEnd {
  readonly rows: number
  /** Begin of the first interval and end of the last; milliseconds since 1970. */
  readonly fromMs: number
  readonly toMs: number
}

export interface CaptureRowsOptions {
  /** Name of the node in rows. */
  readonly node: string
  /** Rows of flows, then of the ledger, interval by interval; the batch is used again afterwards. */
  readonly onBatch: (batch: Batch) => void
}

const intervalMs = 5000
/** A packet that is so much older than its interval belongs to another one: the clock was set, or files were joined. */
const backMs = 60_000

/** Throws `capture_unreadable`, `capture_unknown`. */
export async function playCaptureRows(
  file: string,
  replay: Replay,
  { node, onBatch }: CaptureRowsOptions,
): Promise<CaptureRows> {
  // The same capture has the same ids, so that rows that are stored twice can be recognized.
  const key = new Uint32Array(Uint8Array.from(createHash('sha256').update(node).digest()).buffer)
  const state = createConnections(key.subarray(0, 4))
  const interfaces = createInterfaces({ node, state, cgroups: createCgroups({ root: '' }) })
  let [fromMs, endMs, firstMs, lastMs, rows] = [0, 0, 0, 0, 0]
  let [entered, left] = [0, 0]

  function before(record: Readonly<CaptureRecord>, drain: () => void): void {
    const timeMs = record.seconds * 1000 + Math.floor(record.nanoseconds / 1e6)
    if (endMs > 0 && timeMs < endMs && timeMs >= fromMs - backMs) {
      entered++
      return
    }
    if (endMs > 0) {
      drain()
      report()
    }
    entered = 1
    fromMs = Math.floor(timeMs / intervalMs) * intervalMs
    endMs = fromMs + intervalMs
    if (firstMs === 0 || fromMs < firstMs) firstMs = fromMs
    lastMs = Math.max(lastMs, endMs)
    learn(record)
  }

  function report(): void {
    const moment = momentOf(endMs, { bootToWallNs: 0n, intervalMs })
    interfaces.report(moment, (batch) => {
      left += packetsOf(batch)
      rows += batch.length
      onBatch(batch)
    })
    const { rows: reported } = interfaces.takeCounts()
    onBatch(ledgerOf(node, { fromMs, endMs, entered, left, rows: reported }))
    left = 0
  }

  function learn({ interface: number }: Readonly<CaptureRecord>): void {
    const name = number === 0 ? 'capture' : `capture:${number}`
    interfaces.know([{ index: number + 1, name, refused: '' }])
  }

  const end = await playInto(file, replay, {
    add: (record) => interfaces.take(record, 1),
    interfaceOf: (record) => {
      learn(record)
      return record.interface + 1
    },
    before,
  })
  if (endMs > 0) report()
  return { ...end, rows, fromMs: firstMs, toMs: lastMs }
}

function packetsOf({ columns, length }: Batch): number {
  let sum = 0
  for (const name of ['packets', 'reverse_packets']) {
    const values = columns[name]?.values as Float64Array
    for (let row = 0; row < length; row++) sum += values[row] as number
  }
  return sum
}

interface Interval {
  readonly fromMs: number
  readonly endMs: number
  /** Packets of the capture, and packets in rows. */
  readonly entered: number
  readonly left: number
  readonly rows: number
}

/** That somebody watched, and what became of every packet. */
function ledgerOf(node: string, { fromMs, endMs, entered, left, rows }: Interval): Batch {
  const batch = createBatch(ledgerTable, 3)
  const interval = { node, start: BigInt(fromMs) * 1_000_000n, time: BigInt(endMs) * 1_000_000n }
  const whole = (count: number) => ({ ...interval, entered: count, left: count })
  appendRow(batch, { ...whole(1), stage: 'agent', unit: 'intervals' })
  const ofHook = { ...interval, entered, left, lost: entered - left }
  appendRow(batch, { ...ofHook, stage: 'hook', unit: 'packets', probe: 'flow' })
  appendRow(batch, { ...whole(rows), stage: 'enrich', unit: 'rows', table: flowTable.name })
  return batch
}
