// Log lines for a person who looks at a terminal: `14:02:09 warn  agent.spool  disk is full  waiting=12`. Pino's
// JSON is for everything else; this reads it, so that both say the same.

import type { DestinationStream } from 'pino'

const names: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}
const colors: Readonly<Record<number, number>> = { 40: 33, 50: 31, 60: 31 }
const shownApart = new Set(['level', 'time', 'pid', 'name', 'component', 'msg', 'err', 'v'])
/** Controls, bidi marks and what else a screen would obey instead of showing. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** Where pino writes; `write` takes a line for the screen, `color` marks what is a warning or worse. */
export function terminalLines(write: (line: string) => void, color: boolean): DestinationStream {
  return { write: (json) => write(`${lineOf(json, color)}\n`) }
}

function lineOf(json: string, color: boolean): string {
  const fields = JSON.parse(json) as Record<string, unknown>
  const { level, time, name, component, msg, err } = fields
  const rest = Object.entries(fields).filter(([key]) => !shownApart.has(key))
  const trouble = err === undefined ? [] : [`error=${textOf(messageIn(err))}`]
  const parts = [
    clockOf(Number(time)),
    marked((names[Number(level)] ?? String(level)).padEnd(5), colors[Number(level)], color),
    component === undefined ? `${name}` : `${name}.${component}`,
    visible(String(msg ?? '')),
    ...[...rest.map(([key, value]) => `${key}=${textOf(value)}`), ...trouble],
  ]
  return parts.filter((part) => part !== '').join('  ')
}

/** Pino's serializer makes an object of an error. */
function messageIn(err: unknown): unknown {
  return typeof err === 'object' && err !== null && 'message' in err ? err.message : err
}

/** Plain words as they are, the rest as JSON. */
function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  const plain = typeof value !== 'string' || /^[\w.:/@+-]+$/.test(text)
  return visible(plain ? text : JSON.stringify(text))
}

function visible(text: string): string {
  return text.replace(invisible, (character) => {
    return `\\u{${(character.codePointAt(0) as number).toString(16)}}`
  })
}

function clockOf(ms: number): string {
  const date = new Date(ms)
  const two = (value: number): string => String(value).padStart(2, '0')
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
}

function marked(text: string, code: number | undefined, color: boolean): string {
  return color && code !== undefined ? `\x1b[${code}m${text}\x1b[0m` : text
}
