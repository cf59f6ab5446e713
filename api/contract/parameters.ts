// Schemas of the query strings. Every field is a parameter; an unknown one is an error, never ignored.

import { type TProperties, type TSchema, Type } from 'typebox'
import {
  endPairsOf,
  eventKinds,
  eventTable,
  type Field,
  type FieldKind,
  flowMetrics,
  flowTable,
  groupNames,
  isGroupable,
  ledgerTable,
  programTable,
  ruleTable,
  type Table,
} from '../../wire/mod.ts'

const from = withDefault('-15m', {
  description:
    'Begin of the range, included: RFC 3339, or relative to now (`-90s`, `-15m`, `-7d`).',
})
const to = withDefault('now', {
  description: 'End of the range, excluded: RFC 3339, `now`, or relative to now.',
})
const limit = (standard: number) =>
  Type.Optional(
    Type.Integer({ minimum: 1, maximum: 10_000, default: standard, description: 'Rows at most.' }),
  )

const cursor = Type.Optional(
  Type.String({ maxLength: 4000, description: '`next` of the page before.' }),
)

/** Parameters of an event list as the API of the eBPF network monitor (ebpf-server) has them. */
const monitorText = (description: string) => Type.Optional(Type.String({ description }))
const monitorFilters: TProperties = {
  type: Type.Optional(
    Type.String({
      enum: eventKinds.map(({ monitorType }) => monitorType),
      description:
        'Kind of event. With this or another one of these seven, or without any parameter, the answer has the shape of the eBPF network monitor.',
    }),
  ),
  command: monitorText("Command name of the process that it happened to; '' = any, as with k8s_…."),
  k8s_node_name: monitorText('Name of the node.'),
  k8s_pod_name: monitorText(
    "Pod of the process that it happened to. Events that were ingested name one; those of Weir's own probes do not yet.",
  ),
  k8s_namespace: monitorText('Namespace of that pod; as with k8s_pod_name.'),
  since: monitorText('Not before: RFC 3339, or relative to now; 30 days ago when not given.'),
  until: monitorText('Before: RFC 3339, or relative to now; now when not given.'),
}

/** How a value of each kind is written in a query string. */
const valueSchemas: Readonly<Record<FieldKind, TSchema>> = {
  time: Type.String({ description: 'RFC 3339' }),
  name: Type.String(),
  text: Type.String(),
  octets: Type.String({ contentEncoding: 'base64' }),
  list: Type.String({ description: 'One of its texts' }),
  address: Type.String({ description: 'An address or a CIDR' }),
  counter: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  id: Type.String({ pattern: '^[0-9]{1,20}$' }),
  u8: Type.Integer({ minimum: 0, maximum: 255 }),
  u16: Type.Integer({ minimum: 0, maximum: 65_535 }),
  u32: Type.Integer({ minimum: 0, maximum: 4_294_967_295 }),
  flag: Type.Boolean(),
}

const orderNames = [...flowTable.fields, ...flowTable.derived]
  .filter(isGroupable)
  .map((field) => field.name)
const metricNames = flowMetrics.map((metric) => metric.name)

const by = (minItems: number) =>
  Type.Array(Type.String({ enum: [...groupNames(flowTable)] }), {
    minItems,
    maxItems: 8,
    description:
      'Fields to group by, repeatable. A name for either end stands for both of its fields.',
  })

const filter = Type.Optional(
  Type.String({
    description:
      'The filter language: `dst_port = 5432 and rtt > 5ms and not process = curl`. Beside other parameters all must hold.',
  }),
)

const metrics = Type.Optional(
  Type.Array(Type.String({ enum: [...metricNames] }), {
    description:
      'Metrics to compute, repeatable; all when not given. Distinct counts and percentiles cost most: leave out what is not shown.',
  }),
)

const open = Type.Optional(
  Type.Boolean({
    description:
      'true: the connections that are open at `to`: of each its newest row, if its end is not known, also when it has been silent for hours. An open connection has a row at least once a minute, so only the last two minutes of the range are looked at (longer when agents report more rarely).',
  }),
)

const age = (bound: string) =>
  Type.Optional(
    Type.String({
      description: `Only connections that were opened ${bound} this long (\`90s\`, \`1h\`, \`7d\`) before \`to\`; not those whose \`start\` is unknown.`,
    }),
  )

/** Parameters of GET /api/flows; `age` orders by it: how long before `to` the connection was opened. */
export const flowsParameters = Type.Object(
  { ...pageOf(flowTable, ['age']), open, age_min: age('at least'), age_max: age('at most') },
  { additionalProperties: false },
)

/** Parameters of GET /api/events: our own, and those of the eBPF network monitor, which choose the shape of its answer. */
export const eventsParameters = Type.Object(
  { ...monitorFilters, ...pageOf(eventTable) },
  { additionalProperties: false },
)

/** Formats of files that rows can be fetched as: their media types, and what the engine calls them. */
export const exportFormats = {
  parquet: { type: 'application/vnd.apache.parquet', engine: 'Parquet' },
  arrow: { type: 'application/vnd.apache.arrow.file', engine: 'Arrow' },
} as const

/** Parameters of GET /api/export/flows. */
export const flowPartParameters = partOf(flowTable)

/** Parameters of GET /api/export/events. */
export const eventPartParameters = partOf(eventTable)

/** Parameters of GET /api/top. */
export const topParameters = Type.Object(
  {
    from,
    to,
    by: by(1),
    order: withDefault('-total', {
      enum: withMinus([...metricNames, ...orderNames]),
      description: 'Metric, or field of `by`, to sort by.',
    }),
    limit: limit(10),
    open,
    metrics,
    fold: withDefault('ports', {
      enum: ['ports', 'none'],
      description:
        'With dst_port in `by`: ports from 32768 on that one connection alone used become one group per edge, with `folded_ports` and a null `dst_port`. `none`: every port is a group. A filter on dst_port folds nothing.',
    }),
    ...tableFilters(flowTable),
  },
  { additionalProperties: false },
)

/** Parameters of GET /api/series. */
export const seriesParameters = Type.Object(
  {
    from,
    to,
    step: withDefault('auto', {
      description: 'Length of a step in whole seconds (`1s`, `5m`), or `auto`: 60 to 300 steps.',
    }),
    by: Type.Optional(by(0)),
    order: withDefault('-total', {
      enum: withMinus(metricNames),
      description: 'With `by`: the metric that decides which 8 groups are shown apart.',
    }),
    metrics,
    ...tableFilters(flowTable),
  },
  { additionalProperties: false },
)

/** Parameters of GET /api/live. */
export const liveParameters = Type.Object(
  {
    table: Type.Optional(
      Type.String({
        enum: [flowTable.name, eventTable.name],
        default: flowTable.name,
        description: 'Whose rows.',
      }),
    ),
    filter,
  },
  { additionalProperties: false },
)

/** Parameters of GET /api/ledger. */
export const ledgerParameters = namesOf(ledgerTable)

/** Parameters of GET /api/programs. */
export const programsParameters = namesOf(programTable)

/** Parameters of GET /api/rules. */
export const rulesParameters = namesOf(ruleTable)

/** Every parameter of a schema above. */
export function parameterNames(schema: { readonly properties: TProperties }): readonly string[] {
  return Object.keys(schema.properties)
}

/** A range, a filter, and every field that is a name. */
function namesOf({ fields }: Table) {
  const names = fields.filter((field) => field.kind === 'name').map(parameterOf)
  return Type.Object(
    { from, to, filter, ...Object.fromEntries(names) },
    { additionalProperties: false },
  )
}

/** Of rows in pages. */
function pageOf(table: Table, alsoSortable: readonly string[] = []): TProperties {
  const names = [...table.fields, ...table.derived].filter(isSortable).map(({ name }) => name)
  return {
    from,
    to,
    order: withDefault('-time', {
      enum: withMinus([...names, ...alsoSortable]),
      description: 'Field to sort by; `-` before it: descending.',
    }),
    limit: limit(100),
    cursor,
    ...tableFilters(table),
  }
}

/** Of rows in files. */
function partOf(table: Table) {
  const rows = 250_000
  const limit = { minimum: 1, maximum: rows, default: rows, description: 'Rows of a file at most.' }
  return Type.Object(
    {
      from,
      to,
      format: withDefault('parquet', {
        enum: Object.keys(exportFormats),
        description: 'Parquet, or Arrow (the IPC file format).',
      }),
      limit: Type.Optional(Type.Integer(limit)),
      cursor,
      ...tableFilters(table),
    },
    { additionalProperties: false },
  )
}

function isSortable({ kind }: Field): boolean {
  return kind !== 'octets' && kind !== 'list'
}

/** Range of a question. */
export const timeRange = { from, to }

/** Every field of a table as a parameter, names for either end, and a text of the filter language. */
export function tableFilters(table: Table): TProperties {
  return Object.fromEntries([
    ['filter', filter],
    ...[...table.fields, ...table.derived].filter(({ kind }) => kind !== 'octets').map(parameterOf),
    ...endPairsOf(table).map(({ name, src }) =>
      parameterOf({ ...src, name, help: `Either end: src_${name} or dst_${name}.` }),
    ),
  ])
}

function parameterOf(field: Field): [string, TSchema] {
  const description = `${field.help} Repeatable: one of the values.`
  return [field.name, Type.Optional(Type.Array(valueSchemas[field.kind], { description }))]
}

/** What a client may leave out; Ajv puts the default in its place. */
function withDefault(standard: string, options: { description: string; enum?: string[] }) {
  return Type.Optional(Type.String({ default: standard, ...options }))
}

/** Names to order by: `-` before one is descending. */
export function withMinus(names: readonly string[]): string[] {
  return names.flatMap((name) => [name, `-${name}`])
}
