// The rows of a short watch, at most `limit`, in the order that was asked for.

import type { Row } from '../../wire/mod.ts'

export interface RecentRows {
  readonly add: (rows: readonly Row[]) => void
  readonly rows: () => readonly Row[]
  /** Whether rows were left out because of the limit. */
  readonly more: () => boolean
}

export interface RecentOptions {
  readonly limit: number
  readonly sorted: (one: Row, other: Row) => number
  /** Keeps the newest row of each connection alone: its totals hold what the earlier ones said. */
  readonly newest: boolean
}

export function createRecentRows({ limit, sorted, newest }: RecentOptions): RecentRows {
  let kept: readonly Row[] = []
  let more = false

  function add(rows: readonly Row[]): void {
    const all = newest ? newestOf([...kept, ...rows]) : [...kept, ...rows]
    kept = all.toSorted(sorted).slice(0, limit)
    more ||= all.length > limit
  }

  return { add, rows: () => kept, more: () => more }
}

function newestOf(rows: readonly Row[]): readonly Row[] {
  const byConnection = new Map<string, Row>()
  for (const row of rows) {
    const key = String(row['connection_id'])
    const before = byConnection.get(key)
    if (!before || String(row['time']) >= String(before['time'])) byConnection.set(key, row)
  }
  return [...byConnection.values()]
}
