// Leaves out the rows that do not pass the agent's filter, and counts them. It looks at finished rows, which have both
// ends of a connection: a row is kept if either end fits, and then with both ends.

import { type AgentFilter, type Batch, pickRows, rowTest } from '../../wire/mod.ts'

export interface RowFilter {
  /** The rows that pass: the batch itself when all do. */
  pass(batch: Batch): Batch
  /** Rows of the table that were left out since last taken. */
  takeFiltered(table: keyof AgentFilter): number
}

export function createRowFilter(filter: AgentFilter | undefined): RowFilter {
  const filtered = { flows: 0, events: 0 }

  function pass(batch: Batch): Batch {
    const { name } = batch.table
    if (!filter || (name !== 'flows' && name !== 'events')) return batch
    const test = rowTest(filter[name], batch)
    const rows: number[] = []
    for (let row = 0; row < batch.length; row++) if (test(row)) rows.push(row)
    if (rows.length === batch.length) return batch
    filtered[name] += batch.length - rows.length
    return pickRows(batch, rows)
  }

  function takeFiltered(table: keyof AgentFilter): number {
    const count = filtered[table]
    filtered[table] = 0
    return count
  }

  return { pass, takeFiltered }
}
