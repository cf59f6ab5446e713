// What sums are over: counted rows of one view. Over these every byte of a connection is there once, however many
// nodes saw it. A question that does not say which view is about sockets.

import { type Field, flowTable } from '../../wire/mod.ts'
import type { Filter, FlowsScope } from './question.ts'

const byName = new Map(flowTable.fields.map((field) => [field.name, field]))
const fieldsNamed = (...names: string[]) => names.map((name) => byName.get(name) as Field)

const counted: Filter = { fields: fieldsNamed('counted'), values: [true] }
const sockets: Filter = { fields: fieldsNamed('view'), values: ['socket'] }
const ofNode = fieldsNamed('node', 'src_node', 'dst_node')

/** The question over counted rows. A connection that another node counts is found by either end's node. */
export function countedOf<Q extends FlowsScope>(question: Q): Q {
  const asks = (name: string) =>
    question.filters.some(({ fields }) => fields.some((field) => field.name === name))
  const filters = question.filters.map((filter) =>
    filter.fields.length === 1 && filter.fields[0]?.name === 'node'
      ? { ...filter, fields: ofNode }
      : filter,
  )
  if (!asks('counted')) filters.push(counted)
  if (!asks('view')) filters.push(sockets)
  return { ...question, filters }
}
