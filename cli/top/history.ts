// How the rate of each row moved while the screen was looked at: a few numbers a row, only of rows that are there.

import { keyOf, type TopResult } from '../source/top-answer.ts'

const steps = 24

export interface History {
  /** One more moment of a question; another question begins anew. */
  readonly add: (question: string, result: TopResult) => void
  /** Oldest first; undefined for a row that is not there. */
  readonly of: (key: string) => readonly number[] | undefined
}

export function createHistory(): History {
  let asked = ''
  let rows = new Map<string, number[]>()
  /** Moments since the question began: a row that came later was silent before. */
  let moments = 0

  return {
    add: (question, { rows: groups, by }) => {
      if (question !== asked) {
        rows = new Map()
        moments = 0
      }
      asked = question
      const next = new Map<string, number[]>()
      for (const group of groups) {
        const key = keyOf(group, by)
        const before = rows.get(key) ?? Array<number>(Math.min(moments, steps - 1)).fill(0)
        next.set(key, [...before, Number(group['total'] ?? 0)].slice(-steps))
      }
      rows = next
      moments++
    },
    of: (key) => rows.get(key),
  }
}
