// Times as people and programs give them: RFC 3339 with up to nanoseconds, `now`, or relative to it.

import { parseInstant } from '../../common/mod.ts'
import type { Range } from '../../store/query/mod.ts'
import { badParameter } from '../errors.ts'
import type { Query } from './query.ts'

const hint = 'Give RFC 3339 (2026-11-21T14:32:10Z), `now`, or a time before now (-90s, -15m, -7d).'
/** What the column can hold: 1970 to 2262. */
const mostNs = 2n ** 63n - 1n

export function parseTime(parameter: string, text: string, nowNs: bigint): bigint {
  const ns = parseInstant(text, nowNs)
  if (ns === undefined) throw badParameter(parameter, `${quoted(text)} is no time`, hint)
  if (ns < 0n || ns > mostNs) throw badParameter(parameter, 'outside 1970 to 2262', hint)
  return ns
}

/** `names`: what the parameters are called. */
export function parseRange(
  from: string,
  to: string,
  nowNs: bigint,
  names: readonly [string, string] = ['from', 'to'],
): Range {
  const [fromName, toName] = names
  const range = { fromNs: parseTime(fromName, from, nowNs), toNs: parseTime(toName, to, nowNs) }
  if (range.fromNs < range.toNs) return range
  throw badParameter(
    fromName,
    'the range ends before it begins',
    `Give a \`${fromName}\` that is before \`${toName}\`.`,
  )
}

/** The range of a question, and what its relative times are relative to. */
export interface Moment {
  readonly range: Range
  readonly nowNs: bigint
}

export function momentOf(query: Query, nowNs: bigint): Moment {
  return { range: parseRange(query['from'] as string, query['to'] as string, nowNs), nowNs }
}

/** A value in an error message: as JSON, so that control characters show, and not endless. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
