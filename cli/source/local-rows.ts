// `weir top --local --rows`: the same questions that a central is asked, each ranked while the machine is watched.

import type { Interval } from './local.ts'
import { narrowed } from './local-narrow.ts'
import { createLocalTop, type LocalTop } from './local-top.ts'
import type { TopQuestion, TopResult } from './top-answer.ts'
import { type RowsName, readRows } from './top-rows.ts'

export interface LocalRows {
  readonly add: (interval: Interval) => void
  readonly result: () => Promise<TopResult>
}

/** `question.filters` were met before. Keeps groups, no rows. */
export async function createLocalRows(rows: RowsName, asked: TopQuestion): Promise<LocalRows> {
  const question = { ...asked, filters: [] }
  const tops = new Map<string, { readonly question: TopQuestion; readonly top: LocalTop }>()
  const keyOf = ({ by, filters }: TopQuestion) => JSON.stringify([by, filters])
  // Which questions there are is known by asking them of nothing.
  await readRows(rows, question, async (part) => {
    const top = createLocalTop({ ...part, filters: [] })
    tops.set(keyOf(part), { question: part, top })
    return top.result()
  })
  return {
    add: ({ batches, coverage, watchedMs }) => {
      for (const { question: part, top } of tops.values()) {
        const own = batches.map((batch) => narrowed(batch, part.filters))
        top.add({ batches: own, coverage, watchedMs })
      }
    },
    result: () =>
      readRows(rows, question, async (part) => {
        const { top } = tops.get(keyOf(part)) as { top: LocalTop }
        return top.result()
      }),
  }
}
