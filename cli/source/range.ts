// The time range of a question: --for 5m, or --from and --to as the API takes them.

import { type MomentClock, momentMs, parseInstant } from '../../common/mod.ts'
import type { Flag, Values } from '../commands/command.ts'
import { cliError } from '../errors.ts'
import { span } from '../render/number.ts'
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
    help: 'Begin: relative to now (-15m, the default), 14:00, 2026-11-21 14:00, or RFC 3339.',
    group: 'Range',
  },
  {
    name: 'to',
    kind: 'text',
    metavar: 'WHEN',
    help: 'End: as --from, or now (the default).',
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

/** How long it is, so that an unwatched part of it can be said. */
export function secondsOf({ fromMs, toMs }: Range): number {
  return (toMs - fromMs) / 1000
}

/** Both ends are fixed here, so that several questions of one command see the same range. */
export function rangeOf(command: string, values: Values, nowMs: number): Range {
  const spanMs = values.durationMs('for')
  if (spanMs !== undefined && values.text('from') !== undefined) {
    throw badTime(command, '--from', values.text('from') as string, 'either --for or --from')
  }
  const from = spanMs === undefined ? (values.text('from') ?? '-15m') : `-${values.text('for')}`
  const to = values.text('to') ?? 'now'
  const clock = { nowMs, utc: values.on('utc') }
  const fromMs = momentOf(command, '--from', from, clock)
  const toMs = momentOf(command, '--to', to, clock)
  if (fromMs >= toMs) throw badTime(command, '--from', from, `a time before ${to}`)
  const question: Question = [
    ['from', instantOf(from, fromMs)],
    ['to', instantOf(to, toMs)],
  ]
  const isRelative = from.startsWith('-') && to === 'now'
  const text = isRelative ? `last ${span((toMs - fromMs) / 1000)}` : `${from} to ${to}`
  return { fromMs, toMs, question, text }
}

function momentOf(command: string, name: string, text: string, clock: MomentClock): number {
  const ms = momentMs(text, clock)
  if (ms === undefined) throw badTime(command, name, text, expectedTime)
  return ms
}

const expectedTime = 'a time: -15m, now, 14:00, 2026-11-21 14:00 or RFC 3339 (2026-11-21T14:00:00Z)'

/** RFC 3339 goes as it is, to the nanosecond. */
function instantOf(text: string, ms: number): string {
  const isWhole = /[Zz]$|[+-]\d\d:\d\d$/.test(text) && parseInstant(text, 0n) !== undefined
  return isWhole ? text : new Date(ms).toISOString()
}

function badTime(command: string, name: string, value: string, expected: string): Error {
  return cliError('bad_value', { details: { command, name, value, expected } })
}
