// Schemas of the rows, made from the table of fields: a field that is added there is here at once.

import { type TProperties, type TSchema, Type } from 'typebox'
import {
  eventTable,
  type Field,
  type FieldKind,
  flowMetrics,
  flowTable,
  isGroupable,
  type JsonValue,
  ledgerTable,
  type Metric,
  programTable,
  ruleTable,
  type Table,
} from '../../wire/mod.ts'

type Options = Readonly<Record<string, unknown>>

const makers: Readonly<Record<FieldKind, (options: Options) => TSchema>> = {
  time: (options) => Type.String({ format: 'date-time', ...options }),
  name: (options) => Type.String(options),
  text: (options) => Type.String(options),
  octets: (options) => Type.String({ contentEncoding: 'base64', ...options }),
  list: (options) => Type.Array(Type.String(), options),
  address: (options) => Type.String(options),
  counter: (options) => Type.Integer({ minimum: 0, ...options }),
  id: (options) => Type.String({ pattern: '^[0-9]+$', ...options }),
  u8: (options) => Type.Integer({ minimum: 0, maximum: 255, ...options }),
  u16: (options) => Type.Integer({ minimum: 0, maximum: 65_535, ...options }),
  u32: (options) => Type.Integer({ minimum: 0, maximum: 4_294_967_295, ...options }),
  flag: (options) => Type.Boolean(options),
}

/** Values of a row as JSON has them, by field name. */
export type RowValues = Record<string, JsonValue>

const asRow = (properties: TProperties, title: string) =>
  Type.Unsafe<RowValues>(Type.Object(properties, { title, additionalProperties: false }))

/** Absent when `metrics` asked for others alone. */
const metrics = Object.fromEntries(
  flowMetrics.map((metric) => [metric.name, Type.Optional(metricSchema(metric))]),
)

/** Of a step that the range cuts. */
export const partial = Type.Optional(
  Type.Literal(true, {
    description: 'The range cuts this step: it holds only what lies in the range. Else absent.',
  }),
)

/** A flow row: every field of the table, the derived ones too. */
export const flowRow = asRow(
  fieldProperties([...flowTable.fields, ...flowTable.derived]),
  'FlowRow',
)

/** An event: every field of the table. */
export const eventRow = asRow(fieldProperties(eventTable.fields), 'EventRow')

/** The metrics of a group of rows. */
export const metricsRow = Type.Unsafe<RowValues>(Type.Object(metrics, { title: 'Metrics' }))

/** A group of /api/top: the fields of `by` beside the metrics. */
export const groupRow = asRow(
  {
    ...groupProperties(),
    folded_ports: Type.Optional(
      Type.Integer({
        minimum: 2,
        description:
          'Of a group that stands for so many ephemeral ports of the responder: its `dst_port` is null. Else absent.',
      }),
    ),
    ...metrics,
  },
  'GroupRow',
)

/** A step of /api/series: `time` = its begin, the fields of `by` and `other` if grouped, the metrics. */
export const stepRow = asRow(
  {
    ...groupProperties(),
    time: makers.time({ description: 'Begin of the step.' }),
    partial,
    other: Type.Optional(
      Type.Boolean({ description: 'With `by`: true for all groups beyond the first 8 together.' }),
    ),
    ...metrics,
  },
  'StepRow',
)

/** Sums of the ledger per node, stage and cause. */
export const ledgerRow = asRow(
  {
    ...fieldProperties(ledgerTable.fields.filter((field) => field.kind !== 'time')),
    waiting_before: Type.Integer({
      minimum: 0,
      description:
        'What waited in the stage before the range: entered = left + filtered + sampled + lost + waiting - waiting_before.',
    }),
  },
  'LedgerRow',
)

/** One BPF program of one node, as it was last reported. */
export const programRow = asRow(fieldProperties(programTable.fields), 'ProgramRow')

/** One rule of an interface, or the interface itself. */
export const ruleRow = asRow(fieldProperties(ruleTable.fields), 'RuleRow')

function fieldProperties(fields: readonly Field[]): TProperties {
  return Object.fromEntries(fields.map((field) => [field.name, fieldSchema(field)]))
}

function groupProperties(): TProperties {
  return groupFields(flowTable)
}

/** Fields of `by` in a row of groups: there when they were asked for. */
export function groupFields(table: Table): TProperties {
  return Object.fromEntries(
    [...table.fields, ...table.derived]
      .filter(isGroupable)
      .map((field) => [field.name, Type.Optional(orNull(fieldSchema(field)))]),
  )
}

function fieldSchema(field: Field): TSchema {
  const unit = field.unit ? { 'x-unit': field.unit } : {}
  const schema = makers[field.kind]({ description: field.help, ...unit })
  return field.nullable ? orNull(schema) : schema
}

function metricSchema(metric: Metric): TSchema {
  const options = { description: metric.help, minimum: 0, 'x-unit': metric.unit }
  const schema = Type.Integer(options)
  return metric.nullable ? orNull(schema) : schema
}

function orNull(schema: TSchema): TSchema {
  return 'anyOf' in schema ? schema : Type.Union([schema, Type.Null()])
}
