// The cursor: where a page ended, which range it belonged to, what `now` was, and a digest of the question, so that it is
// not used with another one. Opaque to clients, not secret.

import { createHash } from 'node:crypto'
import type { PageKey, Range } from '../../store/query/mod.ts'
import { badParameter } from '../errors.ts'
import type { Query } from './query.ts'

export interface Cursor {
  readonly range: Range
  /** What relative times of the question are relative to, on every page. */
  readonly nowNs: bigint
  readonly after: PageKey
}

const version = 2
/** Rows of exactly one key that pages may have given; far beyond what can be. */
const skipMax = 50_000

export function encodeCursor(query: Query, { range, nowNs, after }: Cursor): string {
  const { fromNs, toNs } = range
  const parts = [version, digestOf(query), String(fromNs), String(toNs), String(nowNs)]
  const key = [after.value, after.timeNs, after.tie, after.skip]
  return Buffer.from(JSON.stringify([...parts, ...key])).toString('base64url')
}

export function decodeCursor(query: Query, text: string): Cursor {
  const parts = parsed(text)
  if (!isCursor(parts)) throw bad('it is damaged')
  const [, digest, fromNs, toNs, nowNs, value, timeNs, tie, skip] = parts
  if (digest !== digestOf(query)) throw bad('it belongs to another question')
  const range = { fromNs: BigInt(fromNs), toNs: BigInt(toNs) }
  return { range, nowNs: BigInt(nowNs), after: { value, timeNs, tie, skip } }
}

type Parts = [number, string, string, string, string, string | null, string, string, number]

function isCursor(parts: unknown): parts is Parts {
  if (!Array.isArray(parts) || parts.length !== 9 || parts[0] !== version) return false
  const [, digest, fromNs, toNs, nowNs, value, timeNs, tie, skip] = parts
  const isCount = Number.isInteger(skip) && skip >= 0 && skip <= skipMax
  const isText = typeof digest === 'string' && (value === null || typeof value === 'string')
  const areTimes = [fromNs, toNs, nowNs, timeNs].every((text) => isWhole(text, 2n ** 63n))
  return isCount && isText && areTimes && isWhole(tie, 2n ** 64n)
}

function isWhole(text: unknown, limit: bigint): boolean {
  return typeof text === 'string' && /^\d{1,20}$/.test(text) && BigInt(text) < limit
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch {
    return undefined
  }
}

/** All parameters that decide which rows come in which order; not how many at a time. */
function digestOf(query: Query): string {
  const entries = Object.entries(query)
    .filter(([name]) => name !== 'cursor' && name !== 'limit')
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(entries)).digest('base64url').slice(0, 16)
}

function bad(reason: string) {
  const hint = 'Pass `next` of the page before, with all other parameters unchanged.'
  return badParameter('cursor', reason, hint)
}
