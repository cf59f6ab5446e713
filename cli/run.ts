// One command line from its arguments to an exit code. Everything that ends it badly is said in one way.

import { inspect } from 'node:util'
import { AppError, messageOf, readVersion } from '../common/mod.ts'
import { type Command, type CommandEntry, note, print, type Terminal } from './commands/command.ts'
import { commands } from './commands/commands.ts'
import { firstExamples } from './commands/examples.ts'
import { settings } from './commands/settings.ts'
import { Interrupted } from './errors.ts'
import { commandOf, type Environment, unknownCommand, valuesOf } from './parse/arguments.ts'
import { configFileOf, readConfiguration } from './parse/config.ts'
import { escaped } from './render/escape.ts'
import { placeInFilter } from './render/filter-place.ts'
import { helpOf, overview } from './render/help.ts'

const defectExitCode = 70

/** Runs a command line. Never throws; resolves with the exit code. */
export async function runCommandLine(
  args: readonly string[],
  env: Environment,
  terminal: Terminal,
  all: readonly CommandEntry[] = commands,
): Promise<number> {
  try {
    return await dispatch(args, env, terminal, all)
  } catch (error) {
    return explain(error, args.includes('--debug'), terminal)
  }
}

async function dispatch(
  args: readonly string[],
  env: Environment,
  terminal: Terminal,
  all: readonly CommandEntry[],
): Promise<number> {
  const [name, ...words] = args
  const [asked] = words
  if (name === 'help' && asked !== undefined && !asked.startsWith('-')) {
    return showHelp(commandOf(words, all).entry, terminal)
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    print(terminal, overview(all, firstExamples(terminal), terminal.columns))
    return 0
  }
  if (name === '--version' || name === '-v' || name === '-V') return showVersion(terminal)
  if (name.startsWith('-')) throw unknownCommand(name, [])
  const { entry, rest } = commandOf(args, all)
  if (wantsHelp(rest)) return showHelp(entry, terminal)
  if (rest[0] === '--version' || rest[0] === '-V') return showVersion(terminal)
  if (!('commands' in entry)) return runCommand(entry, rest, env, terminal)
  if (rest.length === 0) return showHelp(entry, terminal)
  throw unknownCommand(`${entry.name} ${rest[0]}`, [], `${entry.name} `)
}

/** A command that reads a configuration file gets the one that its line or the environment names. */
async function runCommand(
  command: Command,
  args: readonly string[],
  env: Environment,
  terminal: Terminal,
): Promise<number> {
  const values = valuesOf(command, args, env)
  if (!command.readsConfig) return command.run(values, terminal)
  const file = configFileOf(values, terminal.configFile)
  if (file === undefined) return command.run(values, terminal)
  const config = await readConfiguration(file, settings)
  return command.run(valuesOf(command, args, env, config), terminal)
}

function showHelp(entry: CommandEntry, terminal: Terminal): number {
  print(terminal, helpOf(entry, Math.min(terminal.columns ?? 100, 100)))
  return 0
}

function showVersion(terminal: Terminal): number {
  print(terminal, `weir ${readVersion()}`)
  return 0
}

/** Help is given however wrong the rest of the line is. */
function wantsHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h')
}

function explain(error: unknown, debug: boolean, terminal: Terminal): number {
  if (error instanceof Interrupted) return 130
  if (debug) note(terminal, inspect(error))
  if (error instanceof AppError) {
    note(terminal, `weir: ${escaped(error.message)}`)
    for (const line of placeInFilter(error.details)) note(terminal, line)
    if (error.remedy !== '') note(terminal, `  ${escaped(error.remedy)}`)
    return error.exitCode
  }
  note(terminal, `weir: ${escaped(messageOf(error))}`)
  note(terminal, '  this is a defect of Weir; --debug shows where')
  return defectExitCode
}
