// Which of our errors an exception of the engine is. Numbers: ClickHouse's src/Common/ErrorCodes.cpp.

import { ClickHouseError } from '@clickhouse/client'
import { type AppError, messageOf } from '../common/mod.ts'
import { storeError } from './errors.ts'

const tooSlow = new Set([159, 160])
const tooLarge = new Set([158, 241, 307, 396, 191])
const cancelled = 394
const busy = 202
const full = 243
/**
 * The rows themselves are wrong: no retry can help. They cannot be read or converted, or a constraint of the table refuses
 * them (469, 395).
 */
const badRows = new Set([
  6, 20, 25, 26, 27, 32, 33, 36, 38, 41, 43, 44, 49, 53, 69, 70, 72, 117, 128, 130, 131, 190, 321,
  349, 376, 395, 407, 467, 469, 691,
])

export function queryFault(error: unknown, seconds: number, aborted: boolean): AppError {
  if (aborted) return storeError('query_cancelled', { cause: error })
  const code = codeOf(error)
  const details = { reason: messageOf(error), seconds }
  if (code === undefined || code === busy)
    return storeError('store_away', { details, cause: error })
  if (tooSlow.has(code)) return storeError('query_too_slow', { details, cause: error })
  if (tooLarge.has(code)) return storeError('query_too_large', { details, cause: error })
  if (code === cancelled) return storeError('query_cancelled', { cause: error })
  return storeError('query_wrong', { details, cause: error })
}

/** `insert_refused` = some of its rows go to quarantine; `disk_full`, `store_away` and `insert_later` = keep and try again. */
export function insertFault(error: unknown, file: string): AppError {
  const code = codeOf(error)
  const details = { file, reason: messageOf(error) }
  if (code === undefined || code === busy)
    return storeError('store_away', { details, cause: error })
  if (badRows.has(code)) {
    return storeError('insert_refused', { details, cause: error })
  }
  return storeError(code === full ? 'disk_full' : 'insert_later', { details, cause: error })
}

function codeOf(error: unknown): number | undefined {
  return error instanceof ClickHouseError ? Number(error.code) : undefined
}
