// One command line from its arguments to an exit code. Everything that ends it badly is said in one way.

import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { AppError, messageOf } from '../common/mod.ts'
import { type Command, note, print, type Terminal } from './commands/command.ts'
import { commands } from './commands/commands.ts'
import { firstExamples } from './commands/examples.ts'
import { cliError, Interrupted } from './errors.ts'
import { commandOf, type Environment, valuesOf } from './parse/arguments.ts'
import { escaped } from './render/escape.ts'
import { commandHelp, overview } from './render/help.ts'

const defectExitCode = 70

/** Runs a command line. Never throws; resolves with the exit code. */
export async function runCommandLine(
  args: readonly string[],
  env: Environment,
  terminal: Terminal,
  all: readonly Command[] = commands,
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
  all: readonly Command[],
): Promise<number> {
  const [name, ...rest] = args
  const [asked] = rest
  if (name === 'help' && asked !== undefined && !asked.startsWith('-')) {
    return showHelp(commandOf(asked, all), terminal)
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    print(terminal, overview(all, firstExamples(terminal), terminal.columns))
    return 0
  }
  if (name === '--version' || name === '-v' || name === '-V') {
    print(terminal, `weir ${version()}`)
    return 0
  }
  if (name.startsWith('-')) throw cliError('unknown_command', { details: { name } })
  const command = commandOf(name, all)
  if (wantsHelp(rest)) return showHelp(command, terminal)
  return command.run(valuesOf(command, rest, env), terminal)
}

function showHelp(command: Command, terminal: Terminal): number {
  print(terminal, commandHelp(command, Math.min(terminal.columns ?? 100, 100)))
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
    if (error.remedy !== '') note(terminal, `  ${escaped(error.remedy)}`)
    return error.exitCode
  }
  note(terminal, `weir: ${escaped(messageOf(error))}`)
  note(terminal, '  this is a defect of Weir; --debug shows where')
  return defectExitCode
}

function version(): string {
  const file = new URL('../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
