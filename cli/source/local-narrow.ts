// The rows of a batch that meet a question's filters: for questions that share one watch of this machine.

import { type Batch, flowTable, parseFilter, pickRows, rowTest } from '../../wire/mod.ts'
import { localFilter } from './local-filter.ts'
import type { Question } from './server.ts'

/** Every pair must hold as in the API; several texts of the filter language must hold all. */
export function narrowed(batch: Batch, filters: Question): Batch {
  if (filters.length === 0) return batch
  const texts = filters.filter(([name]) => name === 'filter').map(([, text]) => text)
  const flags = filters.filter(([name]) => name !== 'filter')
  const context = { table: flowTable, nowNs: BigInt(Date.now()) * 1_000_000n }
  const all = [
    ...(flags.length > 0 ? [localFilter(flags)] : []),
    ...texts.map((text) => parseFilter(text, context)),
  ]
  const tests = all.map((filter) => rowTest(filter, batch))
  const rows = Array.from({ length: batch.length }, (_, index) => index)
  return pickRows(
    batch,
    rows.filter((index) => tests.every((test) => test(index))),
  )
}
