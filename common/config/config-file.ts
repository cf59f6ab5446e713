// A configuration file (YAML) against the table of its keys: every value with its place, every mistake with its
// place. All scalars are read as they are written, so a value means the same here, at a flag and in a variable.

import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml'
import { nearestName } from '../words/nearest.ts'

export interface ConfigKey {
  /** With dots: `agent.interval` is `interval` below `agent`. */
  readonly path: string
  /** What the value should have been; undefined when it is right. */
  readonly expectation: (value: string) => string | undefined
  /** May also be a list; its values are then joined by commas. */
  readonly isList?: true
}

/** A key whose value is a list of sections, each with keys of its own. */
export interface ConfigList {
  readonly path: string
  readonly keys: readonly ConfigKey[]
}

/** One section of a list: its values by key, and where it begins. */
export interface ConfigItem extends Place {
  readonly values: ReadonlyMap<string, ConfigValue>
}

/** A place in the file, counted from 1. */
interface Place {
  readonly line: number
  readonly column: number
}

export interface ConfigValue extends Place {
  readonly text: string
}

export interface ConfigMistake extends Place {
  readonly message: string
}

export interface ConfigFile {
  /** By path; what is not in the file is not here, nor what is wrong. */
  readonly values: ReadonlyMap<string, ConfigValue>
  /** Of every list that is in the file, by path. */
  readonly lists: ReadonlyMap<string, readonly ConfigItem[]>
  /** In the order of the file. */
  readonly mistakes: readonly ConfigMistake[]
}

/** Words of our own where the library's speak to its programmer. */
const words: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'this key stands in its section already',
  RESOURCE_EXHAUSTION: 'this is nested too deeply',
  MULTIPLE_DOCS: 'a file is one document; leave out the line ---',
}

/** Reads a file of these keys. Never throws: what is wrong is among the mistakes. */
export function parseConfig(
  text: string,
  keys: readonly ConfigKey[],
  lists: readonly ConfigList[] = [],
): ConfigFile {
  const lineCounter = new LineCounter()
  const options = { schema: 'failsafe', lineCounter, prettyErrors: false } as const
  const document = parseDocument(text, options)
  const placeOf = (offset: number): Place => {
    const { line, col } = lineCounter.linePos(offset)
    return { line, column: col }
  }
  const mistakes: ConfigMistake[] = [...document.errors, ...document.warnings].map((error) => ({
    ...placeOf(error.pos[0]),
    message: words[error.code] ?? lowerFirst(error.message),
  }))
  const values = new Map<string, ConfigValue>()
  const items = new Map<string, readonly ConfigItem[]>()
  const isReadable = document.errors.every(({ code }) => code === 'DUPLICATE_KEY')
  if (isReadable) {
    const resolve = (node: unknown) => (isAlias(node) ? node.resolve(document) : node)
    const root = resolve(document.contents)
    const reader: Reader = { keys, lists, values, items, mistakes, placeOf, resolve }
    if (isMap(root)) readSection(root, '', reader)
    else if (!isEmpty(root)) {
      const { path } = keys[0] as ConfigKey
      mistakes.push({ ...placeOf(0), message: `expected keys, for example ${path}` })
    }
  }
  mistakes.sort((a, b) => a.line - b.line || a.column - b.column)
  return { values, lists: items, mistakes }
}

interface Reader {
  readonly keys: readonly ConfigKey[]
  readonly lists: readonly ConfigList[]
  readonly values: Map<string, ConfigValue>
  readonly items: Map<string, readonly ConfigItem[]>
  readonly mistakes: ConfigMistake[]
  readonly placeOf: (offset: number) => Place
  /** The node that an alias stands for. */
  readonly resolve: (node: unknown) => unknown
}

/** `prefix` is the path of the section with a dot behind it. */
function readSection(section: YAMLMap, prefix: string, reader: Reader): void {
  const { keys, mistakes, resolve } = reader
  for (const pair of section.items) {
    const place = reader.placeOf(offsetOf(pair.key) ?? offsetOf(section) ?? 0)
    if (!isScalar(pair.key)) {
      mistakes.push({ ...place, message: 'a key must be one word' })
      continue
    }
    const path = `${prefix}${pair.key.value}`
    const list = reader.lists.find((one) => one.path === path)
    if (list) {
      readList(list, pair, reader)
      continue
    }
    const key = keys.find((one) => one.path === path)
    const inside = keys.find((one) => one.path.startsWith(`${path}.`))
    if (key && (prefix !== '' || !path.includes('.'))) {
      readValue(key, pair, reader)
    } else if (!inside || path.slice(prefix.length).includes('.')) {
      mistakes.push({ ...place, message: unknownKey(path, prefix, keys) })
    } else {
      const value = resolve(pair.value)
      if (isMap(value)) readSection(value, `${path}.`, reader)
      else if (!isEmpty(value)) {
        mistakes.push({ ...place, message: `${path}: expected keys, for example ${inside.path}` })
      }
    }
  }
}

function readList({ path, keys }: ConfigList, pair: Pair, reader: Reader): void {
  const { mistakes, placeOf, resolve } = reader
  const node = resolve(pair.value)
  if (isEmpty(node)) return
  const placed = (at: unknown) => placeOf(offsetOf(at) ?? offsetOf(pair.key) ?? 0)
  if (!isSeq(node)) {
    mistakes.push({ ...placed(node), message: `${path}: expected a list: lines that begin with -` })
    return
  }
  const items = node.items.flatMap((raw): ConfigItem[] => {
    const item = resolve(raw)
    if (isMap(item)) {
      const values = new Map<string, ConfigValue>()
      readSection(item, '', { ...reader, keys, lists: [], values })
      return [{ ...placed(item), values }]
    }
    const example = keys[0]?.path ?? ''
    mistakes.push({ ...placed(raw), message: `${path}: expected keys, for example ${example}` })
    return []
  })
  reader.items.set(path, items)
}

function readValue({ path, expectation, isList }: ConfigKey, pair: Pair, reader: Reader): void {
  const { values, mistakes, placeOf, resolve } = reader
  const place = placeOf(offsetOf(pair.value) ?? offsetOf(pair.key) ?? 0)
  const node = resolve(pair.value)
  if (isEmpty(node)) {
    mistakes.push({ ...place, message: `${path} has no value; without the key it has its default` })
    return
  }
  const listed = isList && isSeq(node) ? node.items.map(resolve) : [node]
  if (!listed.every((one) => isScalar(one))) {
    const found = isSeq(node) ? 'a list' : isMap(node) ? 'keys' : 'nothing'
    mistakes.push({ ...place, message: `${path}: expected one value, got ${found}` })
    return
  }
  const text = listed.map(({ value }) => String(value)).join(',')
  const expected = expectation(text)
  if (expected === undefined) values.set(path, { text, ...place })
  else mistakes.push({ ...place, message: `${path} ${text}: expected ${expected}` })
}

/** Nothing behind a colon, and what YAML also calls nothing. */
function isEmpty(node: unknown): boolean {
  if (node === null || node === undefined) return true
  if (!isScalar(node)) return false
  return node.value === '' || (node.type === 'PLAIN' && /^(?:~|null)$/i.test(String(node.value)))
}

function unknownKey(path: string, prefix: string, keys: readonly ConfigKey[]): string {
  const name = path.slice(prefix.length)
  if (keys.some((key) => key.path === path)) {
    const words = name.split('.')
    return `unknown key ${path}; write ${words.slice(1).join('.')} below ${words[0]}`
  }
  const near = nearestPath(name, prefix, keys)
  return near ? `unknown key ${path}; did you mean ${near}?` : `unknown key ${path}`
}

/** A key or section beside it first, then a key of that name in another section. */
function nearestPath(name: string, prefix: string, keys: readonly ConfigKey[]): string | undefined {
  const inside = keys.filter(({ path }) => path.startsWith(prefix))
  const beside = inside.map(({ path }) => path.slice(prefix.length).split('.')[0] as string)
  const near = nearestName(name, [...new Set(beside)])
  if (near) return `${prefix}${near}`
  return keys.find(({ path }) => `.${path}`.endsWith(`.${name}`))?.path
}

function offsetOf(node: unknown): number | undefined {
  return (node as { range?: readonly number[] } | null)?.range?.[0]
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
