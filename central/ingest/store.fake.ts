// A store that keeps the octets of each segment by token, and fails when a test says so.

import { readFile } from 'node:fs/promises'
import type { AppError } from '../../common/mod.ts'
import type { Store } from '../../store/mod.ts'
import {
  createBlockCheck,
  flowTable,
  ledgerTable,
  type Row,
  readBlock,
  rowOf,
} from '../../wire/mod.ts'

export interface FakeStore extends Pick<Store, 'insertSegment' | 'read'> {
  /** Segments of flows; those of the ledger come whenever they come. */
  readonly segments: Map<string, Buffer>
  /** Thrown by each insert while it is set; of flows alone when `failsForFlows`. */
  failure: AppError | undefined
  failsForFlows: boolean
  tries: number
  /** Everything in a table, when each segment is one block (`closeRows: 1`). */
  rows(table: 'flows' | 'ledger'): readonly Row[]
}

export function createFakeStore(): FakeStore {
  const ledger = new Map<string, Buffer>()
  const store: FakeStore = {
    segments: new Map(),
    failure: undefined,
    failsForFlows: false,
    tries: 0,
    insertSegment: async (file, table, token) => {
      store.tries++
      if (store.failure && !(store.failsForFlows && table !== 'flows')) throw store.failure
      const octets = await readFile(file)
      const tokens = table === 'flows' ? store.segments : ledger
      if (!tokens.has(token)) tokens.set(token, octets)
    },
    read: async () => [],
    rows: (table) =>
      [...(table === 'flows' ? store.segments : ledger).values()].flatMap(rowsIn(table)),
  }
  return store
}

function rowsIn(table: 'flows' | 'ledger') {
  const check = createBlockCheck(table === 'flows' ? flowTable : ledgerTable)
  return (block: Buffer): readonly Row[] => {
    const claim = { rows: rowsOf(block), timeMin: 0n, timeMax: 2n ** 62n }
    const batch = readBlock(check(block, claim))
    return Array.from({ length: batch.length }, (_, row) => rowOf(batch, row))
  }
}

/** The second varint of a block, of at most two octets here; the first, columns, has one. */
function rowsOf(block: Buffer): number {
  const low = block[1] as number
  return low < 128 ? low : low - 128 + (block[2] as number) * 128
}
