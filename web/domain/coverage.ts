// Coverage: how much of what is known to exist is in an answer, as colours and gauges.

export interface CoverageFacts {
  readonly share: number
  readonly lost: Readonly<Record<string, number>>
  readonly gaps: readonly { readonly node: string; readonly from: string; readonly to: string }[]
}

export type CoverageLevel = 'ok' | 'warn' | 'bad'

/** Amber below 99 %, red below 95 %; healthy has no colour. */
export function levelOf(share: number): CoverageLevel {
  if (share < 0.95) return 'bad'
  return share < 0.99 ? 'warn' : 'ok'
}

/** Height of the gauge's fill between 0 and 1: loss is drawn large, because 1 % must be seen. */
export function gaugeFill(share: number): number {
  if (share >= 1) return 1
  return Math.max(0.1, Math.min(0.85, 1 - (1 - share) * 12 - 0.15))
}
