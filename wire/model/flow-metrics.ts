// THE table of what can be asked of many flow rows at once: sums, counts and percentiles of groups and steps.
// A metric is data: the store writes it as SQL, `metric-tally.ts` computes it over rows in memory.

import { parseFilter } from '../filter/check.ts'
import { allOf, type Filter, fieldsIn, listsOf } from '../filter/filter.ts'
import type { Field, Unit } from './field.ts'
import { flowTable } from './flow-fields.ts'

/** A number computed over the rows of a group, as `Field` is one of a single row. */
export type Metric = MetricWords & MetricQuestion

interface MetricWords {
  readonly name: string
  readonly unit: Unit | 'connections'
  /** Null when no row of the group knows it. */
  readonly nullable?: true
  /** Parts add up to the whole: may be stacked and shown as a share. */
  readonly additive?: true
  readonly label: string
  readonly help: string
}

/**
 * | op       | is                                                                                              |
 * |----------|-------------------------------------------------------------------------------------------------|
 * | sum      | the sum of the fields `of` over the rows; null when no row has a value                          |
 * | count    | the number of rows                                                                              |
 * | distinct | the number of different values of the field                                                     |
 * | quantile | of n values in order the one at index floor(rank × n), the last at most; null when there is none |
 */
export type MetricOp = 'sum' | 'count' | 'distinct' | 'quantile'

/** What is computed, over which rows. */
export interface MetricQuestion {
  readonly op: MetricOp
  /** Fields that are added up, or the one field that is looked at; empty for a count. */
  readonly of: readonly Field[]
  /** Of a quantile: 0 to 1. */
  readonly rank?: number
  /** Only these rows; all when absent. */
  readonly where?: Filter
  /** The view whose counted rows it is over when the question does not say which. */
  readonly over: 'socket'
}

/**
 * A connect that never got an answer it could use. `timeout` is also how an established connection can
 * end; one that was never established has no round-trip time and has moved no byte.
 */
const failedConnect = filterOf(`end_reason in (refused, unreachable, no_port, abandoned)
  or (end_reason = timeout and not rtt_ns >= 0 and total_bytes = 0 and total_reverse_bytes = 0)`)

const computed: readonly Metric[] = [
  {
    name: 'total',
    unit: 'bytes',
    additive: true,
    label: 'Traffic',
    help: 'Application bytes in both directions: bytes + reverse_bytes.',
    op: 'sum',
    of: fieldsNamed('bytes', 'reverse_bytes'),
    over: 'socket',
  },
  {
    name: 'connections',
    unit: 'connections',
    label: 'Connections',
    help: 'Distinct connections and attempts with a row in the range; one in two steps or groups counts in both.',
    op: 'distinct',
    of: fieldsNamed('connection_id'),
    over: 'socket',
  },
  {
    name: 'failed',
    unit: 'connections',
    additive: true,
    label: 'Failed connects',
    help: 'Attempts that ended unestablished: refused, unreachable, no_port, abandoned, or timeout without a round trip and a byte. Counted when they end.',
    op: 'count',
    of: [],
    where: failedConnect,
    over: 'socket',
  },
  {
    name: 'estimated',
    unit: 'rows',
    additive: true,
    label: 'Estimates',
    help: 'Rows whose bytes and packets are estimates, because not every packet was counted (sampling): sums over them are estimates too.',
    op: 'count',
    of: [],
    where: filterOf('sampling > 1'),
    over: 'socket',
  },
  {
    name: 'rtt_p50_ns',
    unit: 'ns',
    nullable: true,
    label: 'RTT p50',
    help: 'Median of rtt_ns over the rows that have one.',
    op: 'quantile',
    of: fieldsNamed('rtt_ns'),
    rank: 0.5,
    over: 'socket',
  },
  {
    name: 'rtt_p95_ns',
    unit: 'ns',
    nullable: true,
    label: 'RTT p95',
    help: '95th percentile of rtt_ns over the rows that have one.',
    op: 'quantile',
    of: fieldsNamed('rtt_ns'),
    rank: 0.95,
    over: 'socket',
  },
]

/** Every summed field of the table under its own name, after them what is computed otherwise. */
export const flowMetrics: readonly Metric[] = [
  ...flowTable.fields.filter((field) => field.sum).map(sumOf),
  ...computed,
]

/** The metric of that name; undefined when there is none. */
export function metricNamed(name: string): Metric | undefined {
  return flowMetrics.find((metric) => metric.name === name)
}

/** The rows that metrics are over: of one view, each byte of a connection once however many nodes saw it. */
export function countedRows(view: Metric['over'] = 'socket'): Filter {
  return filterOf(`counted and view = ${view}`)
}

const aboutSockets = filterOf('view = socket')

/**
 * A question about flows that does not name the view is about sockets: rows of two views never add up. One about a
 * trace is about its spans as well, which have no bytes.
 */
export function inOneView(filter: Filter): Filter {
  return namesView(filter) ? filter : allOf([filter, aboutSockets])
}

function namesView(filter: Filter): boolean {
  const asked = fieldsIn(filter)
  return ['view', 'trace_id', 'span_id'].some((name) => asked.has(name))
}

/** What a question about sockets wants of a protocol that is not measured in sockets: nothing would look like calm. */
export function unmeasuredProtocol(filter: Filter): string | undefined {
  if (namesView(filter)) return undefined
  const unmeasured = listsOf(filter, 'protocol').find((values) => !values.includes('tcp'))
  return unmeasured && String(unmeasured[0])
}

/** Said with it. */
export const unmeasuredHint =
  'In sockets Weir measures TCP only. view=interface has every protocol that a watched interface carries.'

/** Whether only rows of view interface can pass. */
export function isOfInterfaces(filter: Filter): boolean {
  return listsOf(filter, 'view').some((values) => values.every((value) => value === 'interface'))
}

/**
 * Whether sums are over all rows instead of counted ones: every interface has carried what it has carried, however many
 * others have carried it too.
 */
export function isOfEachInterface(filter: Filter, by: readonly Field[] = []): boolean {
  const isNamed = fieldsIn(filter).has('interface') || by.some(({ name }) => name === 'interface')
  return isNamed && isOfInterfaces(filter)
}

function sumOf(field: Field): Metric {
  return {
    name: field.name,
    unit: field.name === 'opened' ? 'connections' : (field.unit ?? ''),
    additive: true,
    ...(field.nullable ? { nullable: true as const } : {}),
    label: field.name === 'opened' ? 'New connections' : field.label,
    help: `Sum: ${field.help}`,
    op: 'sum',
    of: [field],
    over: 'socket',
  }
}

function fieldsNamed(...names: string[]): Field[] {
  return flowTable.fields.filter(({ name }) => names.includes(name))
}

function filterOf(text: string): Filter {
  return parseFilter(text, { table: flowTable, nowNs: 0n })
}
