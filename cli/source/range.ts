// The time range of a question: --for 5m, or --from and --to as the API takes them.

import { parseDurationMs } from '../../common/mod.ts'
import type { Flag, Values } from '../commands/command.ts'
import { cliError } from '../errors.ts'
import type { Question } from './server.ts'

export const rangeFlags: readonly Flag[] = [
  {
    name: 'for',
    kind: 'duration',
    metavar: 'TIME',
    help: 'The last TIME, for example 1m: short for --from -1m.',
    group: 'Range',
  },
  {
    name: 'from',
    kind: 'text',
    metavar: 'WHEN',
    help: 'Begin: RFC 3339 or relative to now, for example -15m (the default).',
    group: 'Range',
  },
  {
    name: 'to',
    kind: 'text',
    metavar: 'WHEN',
    help: 'End: RFC 3339, relative, or now (the default).',
    group: 'Range',
  },
]

export interface Range {
  readonly fromMs: number
  readonly toMs: number
  readonly question: Question
  /** `last 15 min`, or the two ends. */
  readonly text: string
}

/** Both ends are fixed here, so that several questions of one command see the same range. */
export function rangeOf(command: string, values: Values, nowMs: number): Range {
  const span = values.durationMs('for')
  if (span !== undefined && values.text('from') !== undefined) {
    throw badTime(command, '--from', values.text('from') as string, 'either --for or --from')
  }
  const from = span === undefined ? (values.text('from') ?? '-15m') : `-${values.text('for')}`
  const to = values.text('to') ?? 'now'
  const fromMs = momentOf(command, '--from', from, nowMs)
  const toMs = momentOf(command, '--to', to, nowMs)
  if (fromMs >= toMs) throw badTime(command, '--from', from, `a time before ${to}`)
  const question: Question = [
    ['from', from.startsWith('-') ? new Date(fromMs).toISOString() : from],
    ['to', /^(?:-|now)/.test(to) ? new Date(toMs).toISOString() : to],
  ]
  const relative = from.startsWith('-') && to === 'now'
  return { fromMs, toMs, question, text: relative ? `last ${from.slice(1)}` : `${from} to ${to}` }
}

function momentOf(command: string, name: string, text: string, nowMs: number): number {
  if (text === 'now') return nowMs
  const span = text.startsWith('-') ? parseDurationMs(text.slice(1)) : undefined
  if (span !== undefined) return nowMs - span
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw badTime(command, name, text, 'RFC 3339, now, or -15m')
  return ms
}

function badTime(command: string, name: string, value: string, expected: string): Error {
  return cliError('bad_value', { details: { command, name, value, expected } })
}
