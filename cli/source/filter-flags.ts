// Every field of a row is a flag: `src_port` is --src-port. A name without its end means either end.

import type { AppError } from '../../common/mod.ts'
import { type Field, flowTable, isGroupable, valueFault } from '../../wire/mod.ts'
import type { Flag, Values } from '../commands/command.ts'
import { cliError } from '../errors.ts'
import { cgroupOf, netnsOf } from '../parse/scope.ts'
import type { Question } from './server.ts'

const fields: readonly Field[] = [...flowTable.fields, ...flowTable.derived]
const names = new Set(fields.map((field) => field.name))
/** Longer closed sets are not listed in help. */
const listedMax = 16

interface Pair {
  readonly name: string
  readonly src: Field
}

const pairs: readonly Pair[] = flowTable.fields.flatMap((src) => {
  const name = src.name.replace(/^src_/, '')
  return name !== src.name && names.has(`dst_${name}`) && !names.has(name) ? [{ name, src }] : []
})

/** What a flag filters by: the field, or for a name without its end the initiator's. */
const fieldsByName = new Map<string, Field>([
  ...pairs.map(({ name, src }): [string, Field] => [name, src]),
  ...fields.map((field): [string, Field] => [field.name, field]),
])

/** Names of fields that `top --by` takes, either-end names among them. */
export const groupNames: readonly string[] = [
  ...pairs.map((pair) => pair.name),
  ...fields.filter(isGroupable).map((field) => field.name),
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
    metavar: metavarOf(name, field),
    repeatable: true,
    help: `${help}${choicesOf(field, help)}`,
    group: 'Only rows with (repeatable: any of the values)',
  }
}

function metavarOf(name: string, field: Field): string {
  if (name.endsWith('netns')) return 'PATH|INODE'
  if (name.endsWith('cgroup_id')) return 'PATH|ID'
  if (field.kind === 'address') return 'ADDR|CIDR'
  return field.kind === 'name' ? 'NAME' : 'VALUE'
}

/** The values of a closed set, unless the help says them already. */
function choicesOf(field: Field, help: string): string {
  const values = (field.values ?? []).filter((value) => value !== '')
  const isSaid = values.every((value) => help.includes(value))
  return isSaid || values.length > listedMax ? '' : ` One of: ${values.join(', ')}.`
}

/** The fields that a name stands for: itself, or both ends. */
export function endsOf(name: string): readonly string[] {
  return names.has(name) ? [name] : [`src_${name}`, `dst_${name}`]
}

/** `src_port` → `src-port`. */
export function flagName(name: string): string {
  return name.replaceAll('_', '-')
}

/** `dst-process` → `dst_process`, `-rtt-ns` → `-rtt_ns`. */
export function fieldName(text: string): string {
  return text.replaceAll(/(?<=\w)-/g, '_')
}

/** The filters that were given, as parameters of the API. Throws AppError for a value that no row can have. */
export function filtersOf(command: string, values: Values): Question {
  return [...fieldsByName].flatMap(([name, field]) =>
    values.list(flagName(name)).map((text): [string, string] => {
      const value = withoutPath(command, name, text)
      const fault = filterFault(name, field, value)
      if (fault) throw fault
      return [name, value]
    }),
  )
}

/** `--netns /run/netns/blue` is its inode, `--cgroup-id /sys/fs/cgroup/x` its id. */
function withoutPath(command: string, name: string, text: string): string {
  const flag = `--${flagName(name)}`
  if (name.endsWith('netns')) return String(netnsOf(command, text, flag))
  if (name.endsWith('cgroup_id')) return String(cgroupOf(command, text, flag))
  return text
}

/** Why no row can have this value, in the words of the API but for the flag; undefined when one can. */
export function filterFault(name: string, field: Field, text: string): AppError | undefined {
  const fault = valueFault(field, text)
  if (!fault) return undefined
  const flag = `--${flagName(name)}`
  const example = fault.example === undefined ? '' : ` For example ${flag} ${fault.example}.`
  return cliError('bad_flag', {
    details: { name: flag, reason: fault.reason, hint: fault.hint + example },
  })
}
