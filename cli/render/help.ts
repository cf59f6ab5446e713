// Help for people, from the records of the commands.

import type { Command, CommandEntry, CommandGroup, Example, Flag } from '../commands/command.ts'
import { flagsOf, metavarOf, operandSynopsis } from '../parse/arguments.ts'
import { widthOf } from './width.ts'

/** What `weir` alone says: the commands, and what to try first. */
export function overview(
  entries: readonly CommandEntry[],
  examples: readonly Example[],
  columns = 100,
): string {
  const lines = [
    'Weir measures the network of this host from inside the kernel:',
    'every connection of every process.',
    '',
    'Usage: weir COMMAND [OPTIONS]',
    '',
    ...aligned(
      entries.map(({ name, summary }) => [name, summary]),
      columns,
    ),
    '',
    'Try:',
    ...aligned(
      examples.map(({ command, what }) => [command, what]),
      columns,
    ),
    '',
    'weir help COMMAND shows its options, weir --version the version.',
  ]
  return lines.join('\n')
}

/** What `weir COMMAND --help` says, no wider than `columns`. */
export function helpOf(entry: CommandEntry, columns: number): string {
  return 'commands' in entry ? groupHelp(entry, columns) : commandHelp(entry, columns)
}

function groupHelp({ name, summary, commands }: CommandGroup, columns: number): string {
  return [
    `weir ${name}: ${lowerFirst(summary)}`,
    '',
    `Usage: weir ${name} COMMAND [OPTIONS]`,
    '',
    ...aligned(
      commands.map((entry) => [entry.name, entry.summary]),
      columns,
    ),
    '',
    `weir help ${name} COMMAND shows its options.`,
  ].join('\n')
}

/** `weir config check [OPTIONS] [FILE]`. */
export function usageOf({ name, operands = [] }: Command): string {
  return ['weir', name, '[OPTIONS]', operandSynopsis(operands)].join(' ').trimEnd()
}

function commandHelp(command: Command, columns: number): string {
  const flags = flagsOf(command)
  const groups = [...new Set(flags.map((flag) => flag.group))]
  const lines = [`weir ${command.name}: ${lowerFirst(command.summary)}`]
  if (command.description) lines.push('', ...wrapped(command.description, columns))
  lines.push('', `Usage: ${usageOf(command)}`)
  const operands = (command.operands ?? []).map(({ name, help }): [string, string] => [name, help])
  if (operands.length > 0) lines.push('', 'Arguments:', ...aligned(operands, columns))
  for (const group of groups) {
    lines.push('', `${group ?? 'Options'}:`)
    for (const flag of flags) if (flag.group === group) lines.push(...flagLines(flag, columns))
  }
  const examples = command.examples.map(({ command: line, what }): [string, string] => [line, what])
  lines.push('', 'Examples:', ...aligned(examples, columns))
  return lines.join('\n')
}

/** `-f, --follow` or `--limit N`. */
export function synopsis(flag: Flag): string {
  const short = flag.short ? `-${flag.short}, ` : ''
  return `${short}--${flag.name}${flag.kind === 'switch' ? '' : ` ${metavarOf(flag)}`}`
}

/** The help sentence, with the default, the environment variable and the key of the configuration file behind it. */
export function explanation(flag: Flag): string {
  const parts: string[] = []
  if (flag.default !== undefined) parts.push(`default ${flag.default}`)
  if (flag.env) parts.push(`environment ${flag.env}`)
  if (flag.config) parts.push(`config ${flag.config}`)
  return parts.length === 0 ? flag.help : `${flag.help} [${parts.join('; ')}]`
}

function flagLines(flag: Flag, columns: number): readonly string[] {
  const indent = 28
  const head = `  ${synopsis(flag)}`
  const text = wrapped(explanation(flag), Math.max(30, columns - indent))
  const pad = ' '.repeat(indent)
  if (head.length + 2 > indent) return [head, ...text.map((line) => pad + line)]
  return text.map((line, at) => (at === 0 ? head.padEnd(indent) : pad) + line)
}

/** Two columns; a text that is too long goes on below itself, or stands below a long name. */
function aligned(rows: readonly (readonly [string, string])[], columns: number): readonly string[] {
  const width = Math.max(...rows.map(([name]) => widthOf(name)))
  const room = columns - width - 4
  if (room < 24) return rows.flatMap(([name, text]) => [`  ${name}`, ...indented(text, columns, 6)])
  return rows.flatMap(([name, text]) =>
    wrapped(text, room).map((line, at) => `  ${(at === 0 ? name : '').padEnd(width)}  ${line}`),
  )
}

function indented(text: string, columns: number, by: number): readonly string[] {
  return wrapped(text, columns - by).map((line) => ' '.repeat(by) + line)
}

function wrapped(text: string, columns: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
