// One way to ask the API: a body, or a failure with its remedy.

import { createCell } from './cell.ts'
import type { ErrorBody } from './contract.ts'

export interface Failure {
  readonly code: string
  readonly message: string
  readonly remedy: string
  /** False when the question itself is wrong: asking again will not help. */
  readonly passing: boolean
}

/** Server clock minus browser clock in ms: ranges are resolved by the server's clock. */
const skew = createCell(0)

/** The server's time, as well as its `Date` header tells (1 s). */
export function serverNow(): number {
  return Date.now() + skew.get()
}

/** An answer and the tag by which the server knows it again. */
export interface Tagged<T> {
  readonly path: string
  readonly body: T
  readonly tag: string | null
}

let answeredMs = 0

/** When the server last answered anything, by its clock; now, if it never did. */
export function lastAnswerMs(): number {
  return answeredMs || serverNow()
}

/**
 * GET of a JSON answer; `known`, itself, when the server says that it is still right. Throws a Failure, or an
 * AbortError when `signal` says so.
 */
export async function get<T>(
  path: string,
  signal: AbortSignal,
  known?: Tagged<T>,
): Promise<Tagged<T>> {
  const tag = known?.path === path ? known.tag : null
  const headers = { accept: 'application/json', ...(tag ? { 'if-none-match': tag } : {}) }
  const response = await fetch(path, { signal, headers }).catch((cause: unknown) => {
    if (signal.aborted) throw cause
    throw unreachable()
  })
  readClock(response)
  if (response.status === 304 && known) return known
  const body: unknown = await response.json().catch((cause: unknown) => {
    if (signal.aborted) throw cause
    return undefined
  })
  if (response.ok && body !== undefined) {
    return { path, body: body as T, tag: response.headers.get('etag') }
  }
  throw failureOf(response.status, body as ErrorBody | undefined)
}

/** A thrown thing as a Failure; undefined when the request was only taken back. */
export function failureFrom(thrown: unknown): Failure | undefined {
  if (thrown instanceof DOMException && thrown.name === 'AbortError') return undefined
  if (typeof thrown === 'object' && thrown !== null && 'remedy' in thrown) return thrown as Failure
  return { code: 'PAGE', message: String(thrown), remedy: 'Reload the page.', passing: false }
}

function unreachable(): Failure {
  return {
    code: 'UNREACHABLE',
    message: 'Weir does not answer.',
    remedy: 'Look whether it still runs: weir up',
    passing: true,
  }
}

function failureOf(status: number, body: ErrorBody | undefined): Failure {
  const passing = status >= 500 || status === 429
  if (body?.error) {
    const { code, message, remedy } = body.error
    return { code, message, remedy, passing }
  }
  const message = `The answer was not readable (HTTP ${status}).`
  return { code: `HTTP_${status}`, message, remedy: "Look into Weir's log.", passing }
}

/** A skew below 2 s is the header's own coarseness. */
function readClock(response: Response): void {
  const server = Date.parse(response.headers.get('date') ?? '')
  if (!Number.isNaN(server)) {
    const difference = server + 500 - Date.now()
    skew.set(Math.abs(difference) < 2000 ? 0 : difference)
  }
  answeredMs = serverNow()
}
