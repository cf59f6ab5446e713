// What metrics are over: counted rows of one view. Over these every byte of a connection is there once, however many
// nodes saw it. A question that does not say which view is about sockets.

import {
  allOf,
  type Comparison,
  type Field,
  type Filter,
  fieldsIn,
  flowTable,
  inOneView,
  isOfEachInterface,
} from '../../wire/mod.ts'
import type { FlowsScope } from './question.ts'

const counted = equals('counted', true)
const eitherNode = fieldsNamed('node', 'src_node', 'dst_node')

/**
 * The question over counted rows; of interfaces, if it is about single ones, over all rows. A connection that another node counts is found by
 * either end's node.
 */
export function countedOf<Q extends FlowsScope & { readonly by?: readonly Field[] }>(
  question: Q,
): Q {
  const filter = atEitherEnd(inOneView(question.filter))
  const isAsked = fieldsIn(filter).has('counted') || isOfEachInterface(filter, question.by)
  return { ...question, filter: isAsked ? filter : allOf([filter, counted]) }
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
