// Settings as a configuration file, each with where it comes from.

import { escaped, escapedJson } from './escape.ts'

export interface SettingValue {
  /** With dots: `agent.interval`. */
  readonly key: string
  /** null when there is none. */
  readonly value: string | null
  readonly from: 'flag' | 'environment' | 'file' | 'default'
  /** `--interval`, `WEIR_INTERVAL`, `/etc/weir/weir.yaml:3:13`; null for a default. */
  readonly where: string | null
}

/** Lines of YAML; settings of one section stand together. What has no value is a comment. */
export function configLines(settings: readonly SettingValue[]): readonly string[] {
  const lines: [string, string][] = []
  let open: readonly string[] = []
  for (const { key, value, from, where } of settings) {
    const words = key.split('.')
    const sections = words.slice(0, -1)
    const kept = sections.findIndex((word, depth) => word !== open[depth])
    for (const [depth, word] of sections.entries()) {
      if (kept >= 0 && depth >= kept) lines.push([`${indent(depth)}${word}:`, ''])
    }
    open = sections
    const head = `${indent(sections.length)}${value === null ? '# ' : ''}${words.at(-1)}:`
    const comment = from === 'default' ? (value === null ? 'not set' : 'default') : `${where}`
    lines.push([value === null ? head : `${head} ${scalar(value)}`, `# ${escaped(comment)}`])
  }
  const width = Math.max(...lines.map(([line]) => line.length))
  return lines.map(([line, comment]) => (comment ? `${line.padEnd(width)}  ${comment}` : line))
}

/** A list of sections as YAML; nothing for an empty one. */
export function listLines(
  name: string,
  items: readonly (readonly (readonly [key: string, value: string])[])[],
): readonly string[] {
  if (items.length === 0) return []
  const lines = items.flatMap((item) =>
    item.map(([key, value], index) => `  ${index === 0 ? '-' : ' '} ${key}: ${scalar(value)}`),
  )
  return [`${name}:`, ...lines]
}

function indent(depth: number): string {
  return '  '.repeat(depth)
}

/** Plain where that reads back as the same text, else in JSON's quotes, which are YAML's. */
function scalar(text: string): string {
  const isPlain = /^[\w./][\w./:%@+-]*$/.test(text) && !text.endsWith(':') && text !== 'null'
  return isPlain ? text : escapedJson(text)
}
