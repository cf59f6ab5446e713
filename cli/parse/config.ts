// The configuration file: which one, what is in it, and what is wrong with it. Its keys are the flags that have
// one, so there is no second list.

import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ConfigFile, ConfigMistake } from '../../common/config/mod.ts'
import { messageOf } from '../../common/mod.ts'
import type { Configuration, Flag, Values } from '../commands/command.ts'
import { cliError } from '../errors.ts'
import { endpointOf, expectationOf } from './arguments.ts'
import { exportKeys, exportMistakes } from './exports.ts'
import { insecureFlag, isLoopback } from './loopback.ts'

/** Every flag with a key, once, in the order in which they stand. */
export function settingsOf(flags: readonly Flag[]): readonly Flag[] {
  const seen = new Set<string>()
  return flags.filter(({ config }) => {
    if (config === undefined || seen.has(config)) return false
    seen.add(config)
    return true
  })
}

/** The file that was named, else that of this host if it is there. `values` need no configuration yet. */
export function configFileOf(values: Values, standard: string): string | undefined {
  const named = values.text('config')
  if (named !== undefined) return resolve(named)
  return existsSync(standard) ? standard : undefined
}

/** Throws AppError config_unreadable, config_mistake. */
export async function readConfiguration(
  file: string,
  settings: readonly Flag[],
): Promise<Configuration> {
  const { values, lists, mistakes } = await readConfigFile(file, settings)
  const [first] = mistakes
  if (first) throw mistakeError(file, first, mistakes.length)
  return { file, values, exports: lists.get('exports') ?? [] }
}

/** The same with all its mistakes. Throws AppError config_unreadable. */
export async function readConfigFile(file: string, settings: readonly Flag[]): Promise<ConfigFile> {
  const text = textOf(file)
  // Loaded when there is a file: no other command needs the library.
  const { parseConfig } = await import('../../common/config/mod.ts')
  const keys = settings.map((flag) => ({
    path: flag.config ?? '',
    ...(flag.isList ? { isList: true as const } : {}),
    expectation: (value: string) => expectationOf(flag, value),
  }))
  const ofExports = exportKeys.map((flag) => ({
    path: flag.config,
    expectation: (value: string) => expectationOf(flag, value),
    ...(flag.isList ? { isList: true as const } : {}),
  }))
  const found = parseConfig(text, keys, [{ path: 'exports', keys: ofExports }])
  const wrong = await exportMistakes(found.lists.get('exports') ?? [], found.mistakes)
  return { ...found, mistakes: [...found.mistakes, ...wrong].sort(byPlace) }
}

/** `weir.yaml:3:5: unknown key …`. */
export function mistakeLine(file: string, { line, column, message }: ConfigMistake): string {
  return `${file}:${line}:${column}: ${message}`
}

/** Orders mistakes as they stand in the file. */
export function byPlace(a: ConfigMistake, b: ConfigMistake): number {
  return a.line - b.line || a.column - b.column
}

function mistakeError(file: string, mistake: ConfigMistake, count: number): Error {
  const many = `this is the first of ${count} mistakes; all of them: weir config check ${file}`
  const hint = count === 1 ? `check it with: weir config check ${file}` : many
  return cliError('config_mistake', { details: { mistake: mistakeLine(file, mistake), hint } })
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const reason = messageOf(cause).replace(/,.*/, '')
    throw cliError('config_unreadable', { details: { file, reason }, cause })
  }
}

/** Addresses that the file opens to others without saying so; without --insecure no process listens there. */
export function openAddresses(
  { values }: ConfigFile,
  settings: readonly Flag[],
): readonly ConfigMistake[] {
  if (values.get(insecureFlag.config ?? '')?.text === 'true') return []
  return settings.flatMap(({ config = '', listensUnless }) => {
    const value = values.get(config)
    const host = value && listensUnless !== undefined && endpointOf(value.text)?.host
    if (!value || !host || isLoopback(host)) return []
    const { line, column, text } = value
    const message = `refusing to listen on ${text} without TLS or a token; listen on 127.0.0.1, or set insecure: true if this network is yours`
    return [{ line, column, message }]
  })
}
