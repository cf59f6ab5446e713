// The interfaces that an agent watches, as lines of `weir up`, `weir agent` and `weir doctor`.

import type { FailedProbe, InterfaceReport } from '../../agent/mod.ts'
import { clipped } from './width.ts'

const [namesMost, refusalsMost] = [8, 5]

/** A line per probe and hook, and one per interface that refused; nothing of an agent that watches none. */
export function watchedLines(
  interfaces: readonly InterfaceReport[],
  width = Number.POSITIVE_INFINITY,
): readonly string[] {
  const watched = Map.groupBy(
    interfaces.filter(({ refused }) => refused === ''),
    ({ probe, hook }) => (probe === hook ? probe : `${probe} by ${hook}`),
  )
  const lines = [...watched].map(([by, all]) => `  watches  ${namesOf(all)} (${by})`)
  const refused = interfaces.filter((one) => one.refused !== '')
  const reasons = refused.slice(0, refusalsMost).map(({ name, probe, refused: why }) => {
    return `  refused  ${name} (${probe}): ${why}`
  })
  const more = refused.length - reasons.length
  const rest = more > 0 ? [`  refused  ${more} more; the log of the agent names them`] : []
  return [...lines, ...reasons, ...rest].map((line) => clipped(line, width))
}

/** A line per probe that is not open. */
export function failedLines(failed: readonly FailedProbe[]): readonly string[] {
  return failed.map(({ probe, message, remedy }) => {
    return `  not open ${probe}: ${message}${remedy ? ` (${remedy})` : ''}`
  })
}

function namesOf(all: readonly InterfaceReport[]): string {
  const names = all.map(({ name }) => name).sort()
  const more = names.length - namesMost
  return more > 1 ? `${names.slice(0, namesMost).join(', ')} and ${more} more` : names.join(', ')
}
