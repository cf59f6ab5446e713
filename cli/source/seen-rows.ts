// Tells rows that were shown from new ones. Two answers of a following listing overlap, because rows of one
// interval reach the server at different times.

import { flowTable, type Row, type Table } from '../../wire/mod.ts'

export interface SeenRows {
  /** Those of `rows` not seen before, and forgets rows that ended before `sinceMs`. */
  readonly fresh: (rows: readonly Row[], sinceMs: number) => readonly Row[]
}

export function createSeenRows(table: Table = flowTable): SeenRows {
  const times = new Map<string, number>()
  return {
    fresh: (rows, sinceMs) => {
      for (const [key, time] of times) if (time < sinceMs) times.delete(key)
      return rows.filter((row) => {
        const key = ['time', ...table.identity].map((name) => row[name]).join(' ')
        if (times.has(key)) return false
        times.set(key, Date.parse(String(row['time'])))
        return true
      })
    },
  }
}
