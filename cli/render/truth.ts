// The last line of every listing: how many rows, of when, and how much of the truth they are.

import type { Coverage } from '../../api/contract/mod.ts'
import { note, type Terminal } from '../commands/command.ts'
import { escaped } from './escape.ts'
import { count, coverageShare, grouped, watchedText } from './number.ts'
import { joinedLines } from './width.ts'

/** Lets a part of the coverage that the source could not know be absent, never invented. */
export type KnownCoverage = Pick<Coverage, 'share' | 'watched' | 'lost' | 'gaps'>

export interface Truth {
  /** `4 rows`, `8 of 186 groups`. */
  readonly what: string
  /** `last 15 min`, `now`. */
  readonly range: string
  readonly coverage: KnownCoverage
  /** Length of the range, so that an unwatched part can be said. */
  readonly seconds?: number
  /** The command that explains a loss. */
  readonly explain: string
}

/** Says it on standard error: dim when complete, yellow with the causes when not. */
export function tellTruth(terminal: Terminal, truth: Truth): void {
  const { whole, parts } = truthOf(truth)
  const columns = terminal.progress ? terminal.columns : undefined
  for (const line of joinedLines(parts, columns)) {
    note(terminal, terminal.color ? `\x1b[${whole ? 2 : 33}m${line}\x1b[0m` : line)
  }
}

/** Its parts, escaped, and whether it is the whole truth. */
export function truthOf(truth: Truth): {
  readonly whole: boolean
  readonly parts: readonly string[]
} {
  const { share, lost, gaps } = truth.coverage
  const watched = watchedOf(truth)
  const parts = [truth.what, truth.range, share === null ? 'coverage unknown' : shareOf(share)]
  if (watched !== undefined) parts.push(`watched ${watched}`)
  if (gaps.length > 0) parts.push(gapsOf(gaps))
  for (const [cause, rows] of Object.entries(lost)) parts.push(`${grouped(rows)} lost: ${cause}`)
  if (share === null && gaps.length === 0) parts.push('no agent reported')
  if (share !== 1 || gaps.length > 0) parts.push(truth.explain)
  const whole = share === 1 && gaps.length === 0 && watched === undefined
  return { whole, parts: parts.map(escaped) }
}

/** How much was watched; undefined when all of the range was, or nobody knows of any. */
function watchedOf({ coverage, seconds }: Truth): string | undefined {
  if (seconds === undefined || coverage.share === null) return undefined
  return watchedText(coverage.watched, seconds)
}

function shareOf(share: number): string {
  return `coverage ${coverageShare(share)}`
}

function gapsOf(gaps: KnownCoverage['gaps']): string {
  const nodes = [...new Set(gaps.map((gap) => gap.node))]
  const names = nodes.length > 3 ? `${nodes.length} nodes` : nodes.join(', ')
  return `${gaps.length === 1 ? 'a gap' : `${gaps.length} gaps`} unwatched on ${names}`
}

/** `1 row`, `12 rows`. */
export function rowsOf(length: number, more: boolean): string {
  return `${count(length)} ${length === 1 ? 'row' : 'rows'}${more ? ', more: --limit' : ''}`
}
