// Rows of a batch on their way into one family: those that one part of a metric is about, in groups of equal labels.

import type { Filter } from '../filter/filter.ts'
import { rowTest } from '../filter/predicate.ts'
import type { Batch } from '../model/columns.ts'
import type { ExportedPart } from '../model/exported-metrics.ts'
import { createRowGrouper, type RowGroups } from './label-groups.ts'
import { fieldsOfLabels, labelReader, type PartLabels } from './label-reader.ts'

/** A part of a metric, and what its series are labelled with. */
export interface LabelledPart {
  readonly part: ExportedPart
  readonly labels: PartLabels
}

export interface PartRows {
  readonly batch: Batch
  readonly nowMs: number
  /** Numbers of the rows. */
  readonly rows: Uint32Array
  /** By row of the batch; rows of one group have the same labels. */
  readonly groupOf: Uint32Array
  /** Text of a group's labels. */
  labels(group: number): string
}

/** Makes what the parts need of each batch once, however many parts need the same. */
export type PartReader = (batch: Batch, nowMs: number) => (part: LabelledPart) => PartRows

export function createPartReader(): PartReader {
  const group = createRowGrouper()

  return (batch, nowMs) => {
    const rowsOf = remembered((where: Filter) => rowsThat(where, batch))
    const groupsOf = remembered((fields: string) => group(batch, JSON.parse(fields) as string[]))
    return ({ part, labels }) => {
      const groups = groupsOf(JSON.stringify(fieldsOfLabels(labels)))
      const rows = rowsOf(part.where)
      return { batch, nowMs, rows, groupOf: groups.of, labels: labelsOf(batch, labels, groups) }
    }
  }
}

function rowsThat(where: Filter, batch: Batch): Uint32Array {
  const passes = rowTest(where, batch)
  const rows = new Uint32Array(batch.length)
  let count = 0
  for (let row = 0; row < batch.length; row++) if (passes(row)) rows[count++] = row
  return rows.subarray(0, count)
}

function labelsOf(batch: Batch, labels: PartLabels, { firsts }: RowGroups) {
  const read = labelReader(batch, labels)
  return remembered((group: number) => read(firsts[group] as number))
}

function remembered<K, V>(make: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>()
  return (key) => {
    const old = known.get(key)
    if (old !== undefined) return old
    const made = make(key)
    known.set(key, made)
    return made
  }
}
