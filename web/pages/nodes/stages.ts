// The loss ledger as a table of stages: what went in, what became of it, what came out.

import type { Values } from '../../data/contract.ts'
import { text } from '../../domain/flow.ts'

/** One stage over all nodes, in one unit: a stage that counts records of one probe and packets of another is two. */
export interface Stage {
  readonly key: string
  readonly name: string
  readonly unit: string
  /** By field of the ledger: entered, left, filtered, …; over all nodes. */
  readonly counts: Readonly<Record<string, number>>
  /** Why rows were lost or filtered, or what is to be known of those that went on; the largest first. */
  readonly causes: readonly Cause[]
}

export interface Cause {
  readonly name: string
  readonly kind: 'lost' | 'filtered' | 'left'
  readonly count: number
}

/** The stages in the order of the answer, which is that of the river. */
export function stagesOf(rows: readonly Values[]): Stage[] {
  const keyOf = (row: Values) => `${text(row, 'stage')} ${text(row, 'unit')}`
  const keys = [...new Set(rows.map(keyOf))]
  const own = keys.map((key) => [key, rows.filter((row) => keyOf(row) === key)] as const)
  return own.map(([key, all]) => ({
    key,
    name: text(all[0] as Values, 'stage'),
    unit: text(all[0] as Values, 'unit'),
    // A cause's row repeats a part of what its stage's own row has counted.
    counts: sums(all.filter((row) => text(row, 'cause') === '')),
    causes: causesOf(all.filter((row) => text(row, 'cause') !== '')),
  }))
}

/** What was lost anywhere and is no row of connections: packets of drops, events, … By unit, the most first. */
export function lostBeside(
  stages: readonly Stage[],
  known: Readonly<Record<string, number>>,
): readonly { readonly count: number; readonly unit: string }[] {
  const left = new Map(Object.entries(known))
  const byUnit = new Map<string, number>()
  for (const { unit, causes } of stages) {
    for (const { kind, name, count } of causes) {
      if (kind !== 'lost') continue
      const said = Math.min(count, left.get(name) ?? 0)
      left.set(name, (left.get(name) ?? 0) - said)
      if (count > said) byUnit.set(unit, (byUnit.get(unit) ?? 0) + count - said)
    }
  }
  return [...byUnit]
    .map(([unit, count]) => ({ unit, count }))
    .sort((one, other) => other.count - one.count)
}

/** What of `entered` is in none of the other counts: 0, or the stage does not add up. */
export function unaccounted({ counts }: Stage): number {
  const of = (name: string) => counts[name] ?? 0
  const found = ['left', 'filtered', 'sampled', 'lost'].reduce((sum, name) => sum + of(name), 0)
  return of('entered') - found - (of('waiting') - of('waiting_before'))
}

function sums(rows: readonly Values[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) {
      if (typeof value === 'number') counts[name] = (counts[name] ?? 0) + value
    }
  }
  return counts
}

function causesOf(rows: readonly Values[]): Cause[] {
  const found = new Map<string, Cause>()
  for (const row of rows) {
    for (const kind of ['lost', 'filtered', 'left'] as const) {
      const name = text(row, 'cause')
      const count = Number(row[kind] ?? 0) + (found.get(kind + name)?.count ?? 0)
      if (count > 0) found.set(kind + name, { name, kind, count })
    }
  }
  return [...found.values()].sort((a, b) => b.count - a.count)
}
