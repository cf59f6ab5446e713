// Arguments → values of one command, by its record. Nothing is ignored: what is not known is an error that
// names the nearest known thing.

import { parseArgs } from 'node:util'
import { nearestName, parseDurationMs } from '../../common/mod.ts'
import { parseQuantity } from '../../wire/mod.ts'
import type {
  Command,
  CommandEntry,
  Configuration,
  Flag,
  Operand,
  Origin,
  Values,
} from '../commands/command.ts'
import { cliError } from '../errors.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Flags that every command has. */
export const commonFlags: readonly Flag[] = [
  { name: 'help', short: 'h', kind: 'switch', help: 'Shows this and ends.' },
  { name: 'debug', kind: 'switch', help: 'Shows the stack of an error.' },
]

/** What may stand on the line of a command. */
export function flagsOf(command: Command): readonly Flag[] {
  const own = new Set(command.flags.map(({ name }) => name))
  const common = commonFlags.filter(({ name }) => !own.has(name))
  return [...command.flags, ...common].filter((flag) => !flag.fileOnly)
}

/**
 * The command or group that the first words name, and what follows them. A group only where no word follows
 * that could name one of its commands. Throws AppError unknown_command, mistyped_command.
 */
export function commandOf(
  args: readonly string[],
  entries: readonly CommandEntry[],
  within = '',
): { readonly entry: CommandEntry; readonly rest: readonly string[] } {
  const [word = '', ...rest] = args
  const name = `${within}${word}`
  const entry = entries.find((one) => one.name === name)
  if (!entry) throw unknownCommand(name, entries, within)
  const [next] = rest
  if (!('commands' in entry) || next === undefined || next.startsWith('-')) return { entry, rest }
  return commandOf(rest, entry.commands, `${name} `)
}

/** The error for a name that is not among `entries`, the commands of the group `within` (with a space behind it). */
export function unknownCommand(name: string, entries: readonly CommandEntry[], within = ''): Error {
  const names = entries.map((entry) => entry.name)
  const nearest = nearestName(name, names)
  const help = `weir ${within}--help`
  if (nearest) return cliError('mistyped_command', { details: { name, nearest, help } })
  return cliError('unknown_command', { details: { name, help } })
}

/** Throws AppError for whatever does not fit the record. */
export function valuesOf(
  command: Command,
  args: readonly string[],
  env: Environment,
  config?: Configuration,
): Values {
  const { given, loose } = read(command.name, flagsOf(command), args)
  const flags = [...command.flags, ...commonFlags]
  const operands = operandsOf(command, loose)
  const known = new Map(flags.map((flag) => [flag.name, found(flag, { given, env, config })]))
  const find = (name: string): Found => {
    const value = known.get(name)
    if (!value) throw new Error(`weir ${command.name} has no flag ${name}`)
    return value
  }
  for (const flag of flags) check(command.name, flag, find(flag.name))
  const last = (name: string): string | undefined => find(name).values.at(-1)
  return {
    list: (name) => find(name).values,
    text: last,
    on: (name) => last(name) === 'true',
    number: (name) => (last(name) === undefined ? undefined : Number(last(name))),
    durationMs: (name) => parseDurationMs(last(name) ?? ''),
    octets: (name) => parseQuantity(last(name) ?? '', 'bytes'),
    origin: (name) => find(name).origin,
    config,
    operands: (name) => operands.get(name) ?? [],
    given: [...given.keys()],
  }
}

interface Found {
  readonly values: readonly string[]
  readonly origin: Origin
}

interface Sources {
  readonly given: ReadonlyMap<string, readonly string[]>
  readonly env: Environment
  readonly config: Configuration | undefined
}

/** The values of a flag from the first source that has one. */
function found(flag: Flag, { given, env, config }: Sources): Found {
  const typed = given.get(flag.name)
  if (typed) return { values: typed, origin: { from: 'flag', name: `--${flag.name}` } }
  for (const name of [flag.env, flag.envFallback]) {
    const value = name && env[name]
    if (value) return { values: [value], origin: { from: 'environment', name } }
  }
  const inFile = flag.config ? config?.values.get(flag.config) : undefined
  if (config && inFile) {
    const name = `${config.file}:${inFile.line}:${inFile.column}`
    return { values: [inFile.text], origin: { from: 'file', name } }
  }
  const value = flag.default ?? flag.defaultOfHost?.()
  const origin = { from: 'default', name: `--${flag.name}` } as const
  return { values: value === undefined ? [] : [value], origin }
}

function read(
  command: string,
  flags: readonly Flag[],
  args: readonly string[],
): { readonly given: ReadonlyMap<string, string[]>; readonly loose: readonly string[] } {
  const options = Object.fromEntries(flags.map((flag) => [flag.name, optionOf(flag)]))
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true })
  const given = new Map<string, string[]>()
  const loose: string[] = []
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') {
      loose.push(token.value)
      continue
    }
    const flag = flags.find(({ name }) => name === token.name)
    if (!flag) throw unknownOption(command, token.rawName, flags)
    const values = given.get(flag.name) ?? []
    values.push(typedValue(command, flag, token.rawName, token.value))
    given.set(flag.name, values)
  }
  return { given, loose }
}

/** Words without a flag → operands, by their names. */
function operandsOf(
  { name: command, operands = [] }: Command,
  words: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const rest = [...words]
  const found = new Map<string, readonly string[]>()
  for (const operand of operands) {
    const taken = operand.repeatable ? rest.splice(0) : rest.splice(0, 1)
    if (taken.length === 0 && operand.required) {
      const details = { command, operand: operand.name, operands: operandSynopsis(operands) }
      throw cliError('missing_argument', { details })
    }
    for (const value of taken) checkOperand(command, operand, value)
    found.set(operand.name, taken)
  }
  const [value] = rest
  if (value === undefined) return found
  if (operands.length === 0) throw cliError('unwanted_argument', { details: { command, value } })
  throw cliError('too_many_arguments', {
    details: { command, value, operands: operandSynopsis(operands) },
  })
}

function checkOperand(command: string, { name, choices }: Operand, value: string): void {
  const expected = choices && choiceExpectation(choices, value)
  if (expected) throw cliError('bad_value', { details: { command, name, value, expected } })
}

/** `FILE [OTHER...]`: what may be left out stands in brackets. */
export function operandSynopsis(operands: readonly Operand[]): string {
  return operands
    .map(({ name, required, repeatable }) => {
      const one = repeatable ? `${name}...` : name
      return required ? one : `[${one}]`
    })
    .join(' ')
}

function optionOf(flag: Flag): { type: 'boolean' | 'string'; short?: string } {
  const type = flag.kind === 'switch' ? 'boolean' : 'string'
  return flag.short ? { type, short: flag.short } : { type }
}

function typedValue(command: string, flag: Flag, name: string, value: string | undefined): string {
  if (flag.kind === 'switch') {
    if (value !== undefined) throw cliError('unwanted_value', { details: { name, value } })
    return 'true'
  }
  if (value === undefined) {
    throw cliError('missing_value', {
      details: { command, name, metavar: metavarOf(flag) },
    })
  }
  return value
}

function unknownOption(command: string, name: string, flags: readonly Flag[]): Error {
  const near = nearestName(
    name.replace(/^--?/, ''),
    flags.map((flag) => flag.name),
  )
  if (near && name.startsWith('--')) {
    return cliError('mistyped_option', { details: { command, name, nearest: `--${near}` } })
  }
  return cliError('unknown_option', { details: { command, name } })
}

function check(command: string, flag: Flag, { values, origin }: Found): void {
  for (const value of values) {
    const expected = expectationOf(flag, value)
    if (expected === undefined) continue
    throw cliError('bad_value', { details: { command, name: origin.name, value, expected } })
  }
}

/** What a value of the flag should have been; undefined when it is right. */
export function expectationOf(flag: Flag, value: string): string | undefined {
  switch (flag.kind) {
    case 'switch':
      return /^(?:true|false)$/.test(value) ? undefined : 'true or false'
    case 'text':
      return textExpectation(flag, value)
    case 'choice':
      return choiceExpectation(flag.choices ?? [], value)
    case 'duration':
      return durationExpectation(flag, parseDurationMs(value))
    case 'size':
      return sizeExpectation(flag, parseQuantity(value, 'bytes'))
    case 'endpoint':
      return endpointOf(value) ? undefined : 'ADDR:PORT, for example 127.0.0.1:8080 or [::1]:8080'
    case 'number': {
      const { min = 0, max = Number.MAX_SAFE_INTEGER } = flag
      const number = /^\d+$/.test(value) ? Number(value) : Number.NaN
      return number >= min && number <= max ? undefined : `a whole number from ${min} to ${max}`
    }
  }
}

function textExpectation(flag: Flag, value: string): string | undefined {
  if (value === '' && flag.mayBeEmpty) return undefined
  if (value === '' && flag.config) return 'a value; without it there is a default'
  const word = flag.listensUnless
  if (word && value !== word && !endpointOf(value)) return `${word} or ADDR:PORT`
  return flag.expectation?.(value)
}

function sizeExpectation({ min = 1 }: Flag, octets: number | undefined): string | undefined {
  if (octets !== undefined && octets >= min) return undefined
  const least = min > 1 ? ` of at least ${min / 1e6}MB` : ''
  return `a size${least}, for example 500MB or 10GiB`
}

function durationExpectation({ min = 1, max }: Flag, ms: number | undefined): string | undefined {
  if (!ms) return 'a time span, for example 500ms, 5s, 1h30m'
  if (ms >= min && ms <= (max ?? ms)) return undefined
  if (max === undefined) return `a time span of at least ${spanOf(min)}`
  return `a time span from ${spanOf(min)} to ${spanOf(max)}`
}

/** 100 → `100ms`, 600000 → `10m`. */
function spanOf(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`
  if (ms % 60_000 === 0) return `${ms / 60_000}m`
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
}

function choiceExpectation(choices: readonly string[], value: string): string | undefined {
  if (choices.includes(value)) return undefined
  const near = nearestName(value, choices)
  return `one of ${choices.join(', ')}${near ? `; did you mean ${near}?` : ''}`
}

/** `A:1,B:2`; undefined for each that is none. */
export function endpointsOf(text: string): ({ host: string; port: number } | undefined)[] {
  return text === '' ? [] : text.split(',').map((one) => endpointOf(one.trim()))
}

/** `127.0.0.1:8080`, `[::1]:0`, `localhost:80` → host and port; undefined when it is none. */
export function endpointOf(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text)
  if (!match || Number(match[3]) > 65_535) return undefined
  return { host: (match[1] ?? match[2]) as string, port: Number(match[3]) }
}

export function metavarOf(flag: Flag): string {
  if (flag.metavar) return flag.metavar
  if (flag.choices) return flag.choices.join('|')
  return flag.kind === 'number'
    ? 'N'
    : flag.kind === 'duration'
      ? 'TIME'
      : flag.kind === 'size'
        ? 'SIZE'
        : 'TEXT'
}
