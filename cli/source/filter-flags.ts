// Every field of a row is a flag: `src_port` is --src-port. A name without its end means either end.

import { type Field, flowTable } from '../../wire/mod.ts'
import type { Flag, Values } from '../commands/command.ts'
import type { Question } from './server.ts'

const fields: readonly Field[] = [...flowTable.fields, ...flowTable.derived]
const names = new Set(fields.map((field) => field.name))

interface Pair {
  readonly name: string
  readonly src: Field
}

const pairs: readonly Pair[] = flowTable.fields.flatMap((src) => {
  const name = src.name.replace(/^src_/, '')
  return name !== src.name && names.has(`dst_${name}`) && !names.has(name) ? [{ name, src }] : []
})

/** Names of fields that `top --by` takes, either-end names among them. */
export const groupNames: readonly string[] = [
  ...pairs.map((pair) => pair.name),
  ...fields.filter((field) => !field.sum).map((field) => field.name),
]

/** Names of all fields of a flow row, in order. */
export const fieldNames: readonly string[] = fields.map((field) => field.name)

export const filterFlags: readonly Flag[] = [
  ...pairs.map(({ name, src }) => filterFlag(name, src, `${src.name} or dst_${name}.`)),
  ...fields.map((field) => filterFlag(field.name, field, field.help)),
]

function filterFlag(name: string, field: Field, help: string): Flag {
  return {
    name: flagName(name),
    kind: 'text',
    metavar: field.kind === 'address' ? 'ADDR|CIDR' : field.kind === 'name' ? 'NAME' : 'VALUE',
    repeatable: true,
    help,
    group: 'Only rows with (repeatable: any of the values)',
  }
}

/** The fields that a name stands for: itself, or both ends. */
export function endsOf(name: string): readonly string[] {
  return names.has(name) ? [name] : [`src_${name}`, `dst_${name}`]
}

function flagName(name: string): string {
  return name.replaceAll('_', '-')
}

/** `dst-process` → `dst_process`, `-rtt-ns` → `-rtt_ns`. */
export function fieldName(text: string): string {
  return text.replaceAll(/(?<=\w)-/g, '_')
}

/** The filters that were given, as parameters of the API. */
export function filtersOf(values: Values): Question {
  const all = [...pairs.map((pair) => pair.name), ...fieldNames]
  return all.flatMap((name) =>
    values.list(flagName(name)).map((value): [string, string] => [name, value]),
  )
}
