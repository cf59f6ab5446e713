// The store as the API asks it: with what came a moment ago, and with its trouble remembered for /health, so that
// both say the same.

import { AppError } from '../common/mod.ts'
import type { Reader, Store } from '../store/mod.ts'

export interface FreshReader extends Required<Reader> {
  /** Why the last question was not answered, when that was the store's fault; asks again by itself. */
  trouble(): string | undefined
}

export function createFreshReader(
  store: Pick<Store, 'read' | 'revision'>,
  fresh: () => Promise<void>,
): FreshReader {
  let trouble: string | undefined
  let isAsking = false

  const read: Reader['read'] = async (sql, params, options) => {
    try {
      const rows = await store.read(sql, params, options)
      trouble = undefined
      return rows
    } catch (error) {
      if (error instanceof AppError && error.code === 'store_away') trouble = error.message
      throw error
    }
  }

  /** Nobody else may ask for a long time. */
  function askAgain(): void {
    if (isAsking) return
    isAsking = true
    void read('SELECT 1')
      .catch(() => undefined)
      .finally(() => {
        isAsking = false
      })
  }

  return {
    read,
    revision: store.revision,
    fresh,
    trouble: () => {
      if (trouble !== undefined) askAgain()
      return trouble
    },
  }
}
