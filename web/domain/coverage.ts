// Coverage: how much of what is known to exist is in an answer. Rounded down, so that it never claims more.

export interface CoverageFacts {
  readonly share: number
  readonly lost: Readonly<Record<string, number>>
  readonly gaps: readonly { readonly node: string; readonly from: string; readonly to: string }[]
}

export type CoverageLevel = 'ok' | 'warn' | 'bad'

/** `99.64 %`, rounded down to `digits` decimals; `100 %` only when not one row is known lost. */
export function shareText(share: number, digits: 1 | 2): string {
  if (share >= 1) return '100 %'
  const factor = 10 ** digits
  // The epsilon undoes only the binary error of the product (0.9964 × 10 000 = 9963.999…).
  const down = Math.floor(share * 100 * factor + 1e-7) / factor
  return `${Math.min(down, 100 - 1 / factor).toFixed(digits)} %`
}

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
