// Every field of a row is a flag: `src_port` is --src-port. A name without its end means either end.

import type { AppError } from '../../common/mod.ts'
import { type Field, fieldsByName, flowTable, type Table, valueFault } from '../../wire/mod.ts'
import type { Flag, Operand, Values } from '../commands/command.ts'
import { cliError } from '../errors.ts'
import { cgroupOf, netnsOf } from '../parse/scope.ts'
import type { Question } from './server.ts'

/** Longer closed sets are not listed in help. */
const listedMax = 16

/** What a flag filters by: the field, or both ends. */
const named = fieldsByName(flowTable)

/** Names of all fields of a flow row, in order. */
export const fieldNames: readonly string[] = fieldNamesOf(flowTable)

/** Names of all fields of a row, in order. */
export function fieldNamesOf(table: Table): readonly string[] {
  return [...table.fields, ...table.derived].map(({ name }) => name)
}

const group = 'Only rows with (repeatable: any of the values)'

/** The filter language as words behind the command; `--filter` is the same. */
export const filterOperand: Operand = {
  name: 'FILTER',
  repeatable: true,
  help: 'Only rows for which this holds: dst_port = 5432 and rtt > 5ms. In quotes: a shell would take > for itself.',
}

export const filterFlags: readonly Flag[] = filterFlagsOf(flowTable)

/** A flag for each name of the table, and one for the filter language. */
export function filterFlagsOf(table: Table, without: readonly string[] = []): readonly Flag[] {
  const names = filterNames(table, without)
  return [
    {
      name: 'filter',
      kind: 'text',
      metavar: 'FILTER',
      help: 'Only rows for which this holds, as the words behind the command.',
      group,
    },
    ...names
      .toSorted(([, one], [, other]) => other.length - one.length)
      .map(([name, [field, other]]) =>
        filterFlag(name, field, other ? `${field.name} or ${other.name}.` : field.help),
      ),
  ]
}

/** Names that can be filtered by, but those that the command has another use for. */
function filterNames(table: Table, without: readonly string[]) {
  return [...fieldsByName(table)].filter(
    ([name, [field]]) => field.kind !== 'octets' && !without.includes(name),
  )
}

function filterFlag(name: string, field: Field, help: string): Flag {
  return {
    name: flagName(name),
    kind: 'text',
    metavar: metavarOf(name, field),
    repeatable: true,
    help: `${help}${choicesOf(field, help)}`,
    group,
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
  return (named.get(name) ?? []).map((field) => field.name)
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
export function filtersOf(
  command: string,
  values: Values,
  table: Table = flowTable,
  without: readonly string[] = [],
): Question {
  const fields = filterNames(table, without).flatMap(([name, [field]]) =>
    values.list(flagName(name)).map((text): [string, string] => {
      const value = withoutPath(command, name, text)
      const fault = filterFault(name, field, value)
      if (fault) throw fault
      return [name, value]
    }),
  )
  const text = filterText(command, values)
  return text === undefined ? fields : [...fields, ['filter', text]]
}

function filterText(command: string, values: Values): string | undefined {
  const words = values.operands('FILTER')
  const text = values.text('filter')
  if (text !== undefined && words.length > 0) {
    const details = { command, name: '--filter', value: text }
    throw cliError('bad_value', { details: { ...details, expected: 'either it or words' } })
  }
  return words.length > 0 ? words.join(' ') : text
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
