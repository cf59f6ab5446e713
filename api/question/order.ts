// `order=-bytes`: a name, `-` before it for descending. The schema knows the names; here they become things.

import type { Order } from '../../store/query/mod.ts'
import { type Field, flowMetrics, flowTable, type Metric, type Table } from '../../wire/mod.ts'
import { badParameter } from '../errors.ts'
import { fieldsNamed, flowFieldsOf } from './filters.ts'

export function fieldOrder(text: string, table: Table = flowTable): Order<Field> {
  const { name, descending } = split(text)
  // The oldest were opened first.
  if (name === 'age')
    return { by: fieldsNamed(table, 'start')[0] as Field, descending: !descending }
  return { by: fieldsNamed(table, name)[0] as Field, descending }
}

export function metricOrder(text: string): Order<Metric> {
  const { name, descending } = split(text)
  return { by: flowMetrics.find((metric) => metric.name === name) as Metric, descending }
}

/** The metrics to compute, in the order of the table; all when none is named. */
export function metricsOf(names: readonly string[] | undefined): readonly Metric[] {
  return names ? flowMetrics.filter(({ name }) => names.includes(name)) : flowMetrics
}

/** Of groups: a metric, or a field that they are grouped by. */
export function groupOrderOf(text: string, by: readonly Field[]): Order<Field | Metric> {
  const { name, descending } = split(text)
  const metric = flowMetrics.find((candidate) => candidate.name === name)
  const field = by.find((candidate) => candidate.name === name)
  const found = metric ?? field
  if (found) return { by: found, descending }
  const hint = `Add by=${name}, or order by a metric such as -total.`
  throw badParameter('order', `${name} is not among the fields of \`by\``, hint)
}

/** The fields of `by`, both ends for a name without one, none twice. */
export function groupFields(names: readonly string[]): readonly Field[] {
  return [...new Set(names.flatMap(flowFieldsOf))]
}

function split(text: string): { name: string; descending: boolean } {
  const descending = text.startsWith('-')
  return { name: descending ? text.slice(1) : text, descending }
}
