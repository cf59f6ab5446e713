// `step=5s`, `step=auto`: how long a step of a series is.

import { parseDurationMs } from '../../common/mod.ts'
import { automaticStepNs, type Range } from '../../store/query/mod.ts'
import { badParameter } from '../errors.ts'
import { quoted } from './time.ts'

const stepsMax = 5000n
const hint = 'Give whole seconds (1s, 5m, 1h), or auto.'

/** Nanoseconds of a step; `intervalNs` is how often agents report. */
export function stepNsOf(text: string, range: Range, intervalNs: bigint): bigint {
  if (text === 'auto') return automaticStepNs(range, intervalNs)
  const ms = parseDurationMs(text)
  if (ms === undefined || ms < 1000 || ms % 1000 !== 0) {
    throw badParameter('step', `${quoted(text)} is not a number of whole seconds`, hint)
  }
  const stepNs = BigInt(ms) * 1_000_000n
  if ((range.toNs - range.fromNs) / stepNs <= stepsMax) return stepNs
  throw badParameter(
    'step',
    `more than ${stepsMax} steps`,
    'Give a longer step or a shorter range.',
  )
}
