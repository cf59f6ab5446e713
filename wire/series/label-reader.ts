// The labels of a row as the text of a series.

import { labelsText } from '../../common/exposition/mod.ts'
import { formatAddress } from '../model/address.ts'
import type { Batch, Column } from '../model/columns.ts'
import { labelOf, serverPort } from '../model/exported-labels.ts'
import type { ExportedMetric, ExportedPart, MetricDialect } from '../model/exported-metrics.ts'

/** A label and the fields of which the first value that is there counts. */
interface PlacedLabel {
  readonly name: string
  readonly fields: readonly string[]
}

/** Every label of one part of a metric, in the order of its series. */
export interface PartLabels {
  readonly placed: readonly PlacedLabel[]
  readonly fixed: readonly (readonly [string, string])[]
}

export interface LabelChoice {
  readonly dialect: MetricDialect
  /** Names of `labelNames`. */
  readonly labels: readonly string[]
}

/** Where the labels of a part come from. */
export function partLabels(
  metric: ExportedMetric,
  part: ExportedPart,
  { dialect, labels }: LabelChoice,
): PartLabels {
  const chosen = metric.undivided ? [] : labels
  const placed = chosen.map((field) => ({
    name: labelOf(field, dialect),
    fields: [sourceOf(field, part.swapped === true)],
  }))
  return { placed: [...placed, ...(metric.labels ?? [])], fixed: part.fixed ?? [] }
}

/** The labels of the series for all that has none of its own. */
export function otherLabels(metric: ExportedMetric, choice: LabelChoice): string {
  const [part] = metric.parts
  const { placed } = partLabels(metric, part as ExportedPart, choice)
  return labelsText(placed.map(({ name }) => [name, 'other']))
}

function sourceOf(field: string, swapped: boolean): string {
  if (field === serverPort) return 'dst_port'
  if (!swapped) return field
  if (field.startsWith('src_')) return `dst_${field.slice(4)}`
  return field.startsWith('dst_') ? `src_${field.slice(4)}` : field
}

/** Names of all fields that the labels are made of, in an order that both directions of a connection share. */
export function fieldsOfLabels({ placed }: PartLabels): readonly string[] {
  return [...new Set(placed.flatMap(({ fields }) => fields))].toSorted()
}

/** Text of the labels of a row of the batch. */
export function labelReader(batch: Batch, labels: PartLabels): (row: number) => string {
  const columns = labels.placed.map(({ name, fields }) => ({
    name,
    columns: fields.flatMap((field) => batch.columns[field] ?? []),
  }))
  return (row) => {
    const values = columns.map(({ name, columns }): [string, string] => [
      name,
      firstValue(batch, columns, row),
    ])
    return labelsText([...values, ...labels.fixed])
  }
}

function firstValue(batch: Batch, columns: readonly Column[], row: number): string {
  for (const column of columns) {
    const value = textOf(batch, column, row)
    if (value !== '') return value
  }
  return ''
}

function textOf(batch: Batch, { field, values, nulls }: Column, row: number): string {
  if (nulls?.[row] === 1) return ''
  switch (field.kind) {
    case 'name':
    case 'text':
      return batch.names.text(values[row] as number)
    case 'address':
      return formatAddress(values as Uint8Array, row * 16)
    case 'id':
      return String(
        (BigInt(values[row * 2 + 1] as number) << 32n) | BigInt(values[row * 2] as number),
      )
    case 'flag':
      return values[row] === 1 ? 'true' : 'false'
    default:
      return String(values[row])
  }
}
