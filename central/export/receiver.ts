// What stands behind an export: one kind of program that takes batches. A kind knows how to say rows to it and
// nothing of cursors, retries and counters; those are the exporter's.

import type { FileWriter } from '../../store/mod.ts'
import type { Batch, BatchRows, Table } from '../../wire/mod.ts'
import type { ExportConfig, RowPlan } from './config.ts'

/** How far an export has come: everything up to `row` rows of entry `sequence` is done. */
export interface Position {
  /** Of the journal whose entries are meant. */
  readonly journal: string
  readonly sequence: number
  readonly row: number
  /** Rows of the export's tables up to there, since the journal began. */
  readonly passed: number
}

/** Some rows of a batch of columns. */
export type ExportPart = BatchRows

/** Rows of one table that are sent as one. */
export interface ExportBatch {
  readonly table: Table
  readonly parts: readonly ExportPart[]
  /** Rows of all parts. */
  readonly count: number
  /** Says which rows they are: the same whenever they are cut in the same way. */
  readonly id: string
  /** An earlier try may have reached the receiver: it can have some of the rows already. */
  readonly repeated: boolean
}

/** Rows of a batch that the receiver refused, and why. */
export interface Rejected {
  readonly rows: number
  readonly what: string
}

export interface Receiver {
  /** For people, without secrets. */
  readonly target: string
  /** Of receivers that keep the position with the rows, so that neither can be there without the other. */
  readonly position?: (signal: AbortSignal) => Promise<Position | undefined>
  /**
   * Resolves when the receiver has the rows; `position` is where the export then is. Throws `export_refused` when it
   * will never take them, anything else when it should be tried again. Rows that it says it has not taken, though the
   * batch is done, are what this gives.
   */
  readonly send: (
    batch: ExportBatch,
    position: Position,
    signal: AbortSignal,
  ) => Promise<Rejected | undefined>
  readonly close: () => Promise<void>
}

/** Fields that a kind reads of a table; all that the plan has when undefined. */
export type FieldsNeeded = (plan: RowPlan) => readonly string[]

/** What receivers may use of central. */
export type ReceiverDeps = Pick<FileWriter, 'writeFile'>

export interface ReceiverKind {
  readonly needs: FieldsNeeded
  /** Throws `export_wrong`. */
  readonly create: (config: ExportConfig, plans: readonly RowPlan[], deps: ReceiverDeps) => Receiver
}

/** A receiver that said when it wants to be asked again. */
export class RetryLater extends Error {
  readonly afterMs: number

  constructor(message: string, afterMs: number) {
    super(message)
    this.name = 'RetryLater'
    this.afterMs = afterMs
  }
}

/** Calls `each` for every row, in order. */
export function forEachRow(batch: ExportBatch, each: (batch: Batch, row: number) => void): void {
  for (const part of batch.parts) for (const row of part.rows) each(part.batch, row)
}
