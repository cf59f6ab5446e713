// A store that keeps the octets of each flow segment by token, and fails when a test says so.

import { readFile } from 'node:fs/promises'
import type { AppError } from '../../common/mod.ts'
import type { Store } from '../../store/mod.ts'

export interface FakeStore extends Pick<Store, 'insertSegment'> {
  readonly segments: Map<string, Buffer>
  /** Thrown by each insert while it is set. */
  failure: AppError | undefined
  tries: number
}

export function createFakeStore(): FakeStore {
  const store: FakeStore = {
    segments: new Map(),
    failure: undefined,
    tries: 0,
    insertSegment: async (file, table, token) => {
      store.tries++
      if (store.failure) throw store.failure
      const octets = await readFile(file)
      if (table === 'flows' && !store.segments.has(token)) store.segments.set(token, octets)
    },
  }
  return store
}
