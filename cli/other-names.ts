// Command lines of other systems, as their users type them: `xdt` and `xdt-agent` of the XDP telemetry system, `xguard`.
// They are links beside bin/weir.

import type { CommandEntry } from './commands/command.ts'
import { commands } from './commands/commands.ts'
import { xdtCommands } from './commands/xdt.ts'
import type { Environment } from './parse/arguments.ts'

export interface CommandLine {
  readonly args: readonly string[]
  /** The commands that there are under this name. */
  readonly all: readonly CommandEntry[]
}

/** `program` is the name by which Weir was started, if it is one of those. */
export function commandLineOf(
  program: string | undefined,
  args: readonly string[],
  env: Environment,
): CommandLine {
  switch (program) {
    case 'xdt':
      return { args: xdtLine(args), all: xdtCommands }
    case 'xdt-agent':
      return { args: ['agent', ...agentLine(args, env)], all: commands }
    case 'xguard':
      return { args: xguardLine(args), all: commands }
    default:
      return { args, all: commands }
  }
}

/** Its `list` calls the interface -f. */
function xdtLine(args: readonly string[]): readonly string[] {
  if (args[0] !== 'list') return args
  return args.map((arg) => (arg === '-f' ? '-i' : arg))
}

/** Flags of xdt-agent → flags of `weir agent`. */
const agentFlags: Readonly<Record<string, string>> = {
  '-i': '--xdp',
  '--interface': '--xdp',
  '-c': '--upstream',
  '--central': '--upstream',
  '-a': '--node',
  '--agent-id': '--node',
  '-v': '--xdp-echo',
  '--verbose': '--xdp-echo',
}

/** Without -i the interface is what INTERFACE_NAME says. */
function agentLine(args: readonly string[], env: Environment): readonly string[] {
  const line = args.map((arg) => agentFlags[arg] ?? arg)
  const name = env['INTERFACE_NAME']
  const isAsking = line.some((arg) => arg === '--xdp' || arg === '-h' || arg === '--help')
  return isAsking || name === undefined ? line : [...line, '--xdp', name]
}

/** One of its versions has a command `trace`, which shows sources unless it is to show packets. */
function xguardLine(args: readonly string[]): readonly string[] {
  if (args.length === 0) return ['help', 'trace']
  if (args[0] !== 'trace') return ['trace', ...args]
  const isKernel = args.includes('--kernel-trace')
  return isKernel || args.includes('--userspace-trace') ? args : [...args, '--userspace-trace']
}
