// `weir config`: whether a configuration file is right, and which settings hold, from where.

import { cliError } from '../errors.ts'
import {
  byPlace,
  configFileOf,
  mistakeLine,
  openAddresses,
  readConfigFile,
} from '../parse/config.ts'
import { exportKeys } from '../parse/exports.ts'
import { configLines, listLines, type SettingValue } from '../render/config.ts'
import { escaped, escapedJson } from '../render/escape.ts'
import {
  type Command,
  type CommandGroup,
  type Configuration,
  type Flag,
  note,
  print,
  type Terminal,
  type Values,
} from './command.ts'
import { configFlag } from './process-flags.ts'
import { processCommands, settings } from './settings.ts'

const badFileExitCode = 64

const checkCommand: Command = {
  name: 'config check',
  summary: 'Says every mistake of a configuration file, with its line and column.',
  description: `Ends with exit code ${badFileExitCode} when there is one. Nothing is started, and nothing of this host is looked at.`,
  operands: [{ name: 'FILE', help: 'By default WEIR_CONFIG, then /etc/weir/weir.yaml.' }],
  flags: [configFlag],
  examples: [
    { command: 'weir config check', what: 'the file that this host uses' },
    { command: 'weir config check ./weir.yaml', what: 'another one, before it is installed' },
  ],
  run: check,
}

const printCommand: Command = {
  name: 'config print',
  summary: 'Shows every setting that a process would have, and where it comes from.',
  description:
    'The answer is itself a configuration file. Takes the flags of the process, so that a whole command line can be tried.',
  operands: [
    {
      name: 'PROCESS',
      choices: processCommands.map(({ name }) => name),
      help: 'up (the default), agent or central: the same key can have another default.',
    },
  ],
  flags: [
    {
      name: 'output',
      short: 'o',
      kind: 'choice',
      choices: ['yaml', 'json'],
      default: 'yaml',
      help: 'yaml for people, json for programs.',
    },
    configFlag,
    ...settings,
  ],
  readsConfig: true,
  examples: [
    { command: 'weir config print', what: 'what weir up would do now' },
    {
      command: 'weir config print agent --interval 1s --config ./weir.yaml',
      what: 'what that weir agent would do',
    },
  ],
  run: show,
}

export const configCommands: CommandGroup = {
  name: 'config',
  summary: 'Checks a configuration file; shows which settings hold.',
  commands: [checkCommand, printCommand],
}

async function check(values: Values, terminal: Terminal): Promise<number> {
  const [named] = values.operands('FILE')
  const file = named ?? configFileOf(values, terminal.configFile)
  if (file === undefined) throw cliError('no_config', { details: { file: terminal.configFile } })
  const found = await readConfigFile(file, settings)
  const mistakes = [...found.mistakes, ...openAddresses(found, settings)].sort(byPlace)
  for (const mistake of mistakes) note(terminal, escaped(mistakeLine(file, mistake)))
  if (mistakes.length > 0) return badFileExitCode
  const items = found.lists.get('exports') ?? []
  const exports = items.length > 0 ? `, ${items.length} exports` : ''
  print(terminal, `${escaped(file)}: no mistake, ${found.values.size} settings${exports}`)
  return 0
}

async function show(values: Values, terminal: Terminal): Promise<number> {
  const [name = 'up'] = values.operands('PROCESS')
  const command = processCommands.find((one) => one.name === name) as Command
  const shown = settings.flatMap((setting): SettingValue[] => {
    const own = command.flags.find((flag) => flag.config === setting.config)
    return own ? [settingValue(own, values)] : []
  })
  const exports = name === 'agent' ? [] : shownExports(values.config?.exports ?? [])
  if (values.text('output') === 'json') {
    print(
      terminal,
      escapedJson({
        process: name,
        file: values.config?.file ?? null,
        settings: shown,
        exports: exports.map((one) => Object.fromEntries(one)),
      }),
    )
    return 0
  }
  for (const line of [...configLines(shown), ...listLines('exports', exports)])
    print(terminal, line)
  return 0
}

/** Keys and values of every export; what may hold a password is hidden. */
function shownExports(items: Configuration['exports']) {
  const secrets = new Set(exportKeys.filter(({ secret }) => secret).map(({ config }) => config))
  return items.map(({ values }) =>
    [...values].map(([key, { text }]) => [key, secrets.has(key) ? '***' : text] as const),
  )
}

/** The value of `flag`, a flag of the process: its default may be another than that of the table. */
export function settingValue(flag: Flag, values: Values): SettingValue {
  const { from, name } = values.origin(flag.name)
  const key = flag.config ?? ''
  const known =
    from === 'default' ? (flag.default ?? flag.defaultOfHost?.()) : values.text(flag.name)
  const value = known ?? (flag.kind === 'switch' ? 'false' : null)
  if (from === 'default') return { key, value, from, where: null }
  return { key, value: flag.secret ? '***' : value, from, where: name }
}
