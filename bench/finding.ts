// What a measurement found, and how a table shows it.

import type { Interval } from './statistics.ts'

/** One line of the table. */
export interface Finding {
  readonly what: string
  readonly value: string
  /** The same without the change: what the noise alone does to a ratio. */
  readonly noise?: string
  readonly goal?: string
  /** Whether the goal holds; absent when there is none. */
  readonly holds?: boolean
}

export interface Plan {
  /** Counts just large enough to show that the measurement works; its figures mean nothing. */
  readonly quick: boolean
  /** Rows that `store` makes; 10 million when not given. */
  readonly rows?: number
}

export interface Measure {
  readonly name: string
  run(plan: Plan): Promise<readonly Finding[]>
}

/** A markdown table. */
export function tableOf(findings: readonly Finding[]): string {
  const lines = findings.map(({ what, value, noise = '', goal = '', holds }) => {
    const verdict = holds === undefined ? '' : holds ? 'holds' : '**fails**'
    return `| ${what} | ${value} | ${noise} | ${goal} | ${verdict} |`
  })
  return ['| measured | value | A/A noise | goal | |', '|---|---|---|---|---|', ...lines].join('\n')
}

/** `0.981 (0.970–0.992)` */
export function showInterval({ mean, low, high }: Interval, digits = 3): string {
  return `${mean.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`
}
