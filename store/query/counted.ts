// What metrics are over: counted rows of one view. Over these every byte of a connection is there once, however many
// nodes saw it. A question that does not say which view is about sockets.

import { allOf, type Comparison, type Filter, fieldsIn, flowTable } from '../../wire/mod.ts'
import type { FlowsScope } from './question.ts'

const counted = equals('counted', true)
const sockets = equals('view', 'socket')
const eitherNode = fieldsNamed('node', 'src_node', 'dst_node')

/** The question over counted rows. A connection that another node counts is found by either end's node. */
export function countedOf<Q extends FlowsScope>(question: Q): Q {
  const asked = fieldsIn(question.filter)
  const parts = [atEitherEnd(question.filter)]
  if (!asked.has('counted')) parts.push(counted)
  if (!asked.has('view')) parts.push(sockets)
  return { ...question, filter: allOf(parts) }
}

function atEitherEnd(filter: Filter): Filter {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { ...filter, parts: filter.parts.map(atEitherEnd) }
    case 'not':
      return { ...filter, part: atEitherEnd(filter.part) }
    case 'compare': {
      const isNode = filter.fields.every(({ name }) => name === 'node')
      return isNode ? { ...filter, fields: eitherNode } : filter
    }
  }
}

function equals(name: string, value: string | boolean): Filter {
  return { kind: 'compare', fields: fieldsNamed(name), test: { kind: 'in', values: [value] } }
}

function fieldsNamed(...names: string[]): Comparison['fields'] {
  const found = flowTable.fields.filter((field) => names.includes(field.name))
  return found as unknown as Comparison['fields']
}
