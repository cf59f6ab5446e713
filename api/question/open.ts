// `open=true`, `age_min=1h`: connections by whether they are open, and since when.

import { parseDurationMs } from '../../common/mod.ts'
import type { Range } from '../../store/query/mod.ts'
import { type Filter, flowTable } from '../../wire/mod.ts'
import { badParameter } from '../errors.ts'
import { fieldsNamed } from './filters.ts'
import type { Query } from './query.ts'
import { quoted } from './time.ts'

const minuteNs = 60_000_000_000n
const ageMaxMs = 100 * 365 * 86_400_000
/** Time for the row of the last minute to come. */
const leastNs = 2n * minuteNs

/**
 * Where the newest row of every open connection is: one that does not change has a row a minute, checked at each
 * interval. A longer range would find those of nodes that are gone.
 */
export function openRange({ fromNs, toNs }: Range, intervalNs: bigint): Range {
  const reachNs = minuteNs + 2n * intervalNs
  const startNs = toNs - (reachNs > leastNs ? reachNs : leastNs)
  return { fromNs: startNs > fromNs ? startNs : fromNs, toNs }
}

/** Conditions on `start` that `age_min` and `age_max` stand for. Throws AppError bad_parameter. */
export function ageFilters(query: Query, { toNs }: Range): readonly Filter[] {
  const bounds = [
    ['age_min', '<='],
    ['age_max', '>='],
  ] as const
  return bounds.flatMap(([name, operator]): Filter[] => {
    const text = query[name]
    if (typeof text !== 'string') return []
    const startNs = toNs - ageNs(name, text)
    const value = startNs > 0n ? startNs : 0n
    const fields = fieldsNamed(flowTable, 'start') as Extract<Filter, { kind: 'compare' }>['fields']
    return [{ kind: 'compare', fields, test: { kind: 'order', operator, value } }]
  })
}

function ageNs(name: string, text: string): bigint {
  const ms = parseDurationMs(text)
  if (ms !== undefined && ms <= ageMaxMs) return BigInt(Math.round(ms)) * 1_000_000n
  throw badParameter(name, `${quoted(text)} is no length of time`, 'Give 90s, 15m, 1h30m or 7d.')
}
