// The tables of fields and metrics as an answer, so that clients label and complete without a copy of their own.

import { type Static, Type } from 'typebox'
import { endPairsOf, type Field, flowMetrics, type Table, tables } from '../../wire/mod.ts'

const fieldInfo = Type.Object({
  table: Type.String({ description: 'flows, events, ledger or programs.' }),
  name: Type.String({ description: 'Its one name: JSON key, parameter, column.' }),
  kind: Type.String({
    description: 'time, name, text, octets, list, address, counter, id, u8, u16, u32 or flag.',
  }),
  unit: Type.String({ description: 'bytes, packets, segments, ns, rows; empty for none.' }),
  nullable: Type.Boolean(),
  sum: Type.Boolean({ description: 'An increment: summed over rows.' }),
  derived: Type.Boolean({ description: 'Computed from other fields, not stored.' }),
  ends: Type.Array(Type.String(), {
    description: 'Of a name for either end: the two fields that it stands for; else empty.',
  }),
  label: Type.String(),
  help: Type.String(),
})

const tableInfo = Type.Object({
  name: Type.String({ description: 'flows, events, ledger or programs.' }),
  identity: Type.Array(Type.String(), {
    description: 'Fields that tell any two rows of one `time` apart.',
  }),
})

const metricInfo = Type.Object({
  name: Type.String(),
  unit: Type.String({ description: 'bytes, segments, connections, ns.' }),
  nullable: Type.Boolean(),
  additive: Type.Boolean({ description: 'Groups and steps add up to the whole.' }),
  label: Type.String(),
  help: Type.String(),
})

export const fieldsAnswer = Type.Object(
  {
    tables: Type.Array(tableInfo),
    fields: Type.Array(fieldInfo),
    metrics: Type.Array(metricInfo),
  },
  { title: 'Fields' },
)

export type FieldInfo = Static<typeof fieldInfo>
export type MetricInfo = Static<typeof metricInfo>
export type FieldsAnswer = Static<typeof fieldsAnswer>

/** The answer of /api/fields: stored, derived and either-end fields of every table, metrics. */
export function fieldsOf(): FieldsAnswer {
  return {
    tables: tables.map(({ name, identity }) => ({ name, identity: [...identity] })),
    fields: tables.flatMap((table) => [...tableFields(table), ...eitherEnd(table)]),
    metrics: flowMetrics.map(({ name, unit, label, help, nullable, additive }) => ({
      name,
      unit,
      nullable: nullable ?? false,
      additive: additive ?? false,
      label,
      help,
    })),
  }
}

function tableFields(table: Table): FieldInfo[] {
  return [
    ...table.fields.map((field) => infoOf(table, field, false)),
    ...table.derived.map((field) => infoOf(table, field, true)),
  ]
}

function eitherEnd(table: Table): FieldInfo[] {
  return endPairsOf(table).map(({ name, src, dst }) => ({
    ...infoOf(table, src, false),
    name,
    ends: [src.name, dst.name],
    label: name,
    help: `${src.name} or ${dst.name}: either end.`,
  }))
}

function infoOf(table: Table, field: Field, derived: boolean): FieldInfo {
  return {
    table: table.name,
    name: field.name,
    kind: field.kind,
    unit: field.unit ?? '',
    nullable: field.nullable ?? false,
    sum: field.sum ?? false,
    derived,
    ends: [],
    label: field.label,
    help: field.help,
  }
}
