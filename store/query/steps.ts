// Steps of a series: whole multiples of their length since 1970, so that all answers agree where one begins.

import { rfc3339 } from '../../common/mod.ts'
import type { StoredRow } from '../reader.ts'
import type { Binder } from './binder.ts'
import type { Range } from './question.ts'

const secondNs = 1_000_000_000n

/** Lengths that people read at a glance, in seconds. */
const lengths = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600]
const stepsMax = 300n

/**
 * The shortest readable length that gives at most 300 steps and is no shorter than `intervalNs`, how often
 * agents report: shorter steps would be empty between two reports and show peaks that were none.
 */
export function automaticStepNs(range: Range, intervalNs: bigint): bigint {
  const spanNs = range.toNs - range.fromNs
  const fits = lengths
    .map((seconds) => BigInt(seconds) * secondNs)
    .find((stepNs) => stepNs >= intervalNs && spanNs / stepNs <= stepsMax)
  const dayNs = 86_400n * secondNs
  return fits ?? (spanNs / stepsMax / dayNs + 1n) * dayNs
}

/** Begins of all steps that touch the range. */
export function stepsOf(range: Range, stepNs: bigint): readonly bigint[] {
  const steps: bigint[] = []
  for (let at = range.fromNs - (range.fromNs % stepNs); at < range.toNs; at += stepNs)
    steps.push(at)
  return steps
}

/** `partial: true` for a step that the range cuts, so that only a part of it is in the answer. */
export function partialMark(range: Range, stepNs: bigint, fromNs: bigint): { partial?: true } {
  const isWhole = fromNs >= range.fromNs && fromNs + stepNs <= range.toNs
  return isWhole ? {} : { partial: true }
}

/** Begin of the step of a row, ns since 1970; select it as text under `_step`. */
export function stepSql(binder: Binder, stepNs: bigint): string {
  const step = binder.bind('Int64', stepNs)
  return `intDiv(toUnixTimestamp64Nano(f.time), ${step}) * ${step}`
}

export function stepNsOf(row: StoredRow): bigint {
  return BigInt(String(row['_step']))
}

export function stepTime(row: StoredRow): string {
  return rfc3339(stepNsOf(row))
}
