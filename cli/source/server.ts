// The API of a central, asked as any other program would. Its errors become ours with their own words.

import type { ErrorBody } from '../../api/contract/mod.ts'
import { AppError, messageOf } from '../../common/mod.ts'
import { type Flag, note, type Terminal, type Values } from '../commands/command.ts'
import { cliError, Interrupted } from '../errors.ts'
import { findRunning } from './running.ts'

export const serverFlag: Flag = {
  name: 'server',
  short: 's',
  kind: 'text',
  metavar: 'URL',
  env: 'WEIR_SERVER',
  help: 'The central to ask; default the one that runs on this host (weir up), else http://127.0.0.1:8080.',
  group: 'Source',
}

/** Parameters of a question in the API's names; repeated ones mean any of them. */
export type Question = readonly (readonly [name: string, value: string])[]

/** Asks questions of one server. */
export interface Server {
  readonly url: string
  /** Throws AppError server_unreachable, server_refused, server_failed, not_weir. */
  readonly ask: <T>(path: string, question: Question) => Promise<T>
  /** An answer that is a file. The same errors, also while its octets come. */
  readonly download: (path: string, question: Question) => Promise<Download>
  /** The same server, asked for as long as another signal allows. */
  readonly until: (interrupted: AbortSignal) => Server
}

/** A file as it comes. */
export interface Download {
  readonly headers: Headers
  /** All of them, or it throws. */
  readonly octets: AsyncIterable<Uint8Array>
}

const answerMs = 60_000
/** A file of a hundred megabytes over a slow line. */
const downloadMs = 600_000

const standardUrl = 'http://127.0.0.1:8080'

/** `interrupted` ends the questions; Ctrl-C when absent. */
export function createServer(
  values: Values,
  terminal: Terminal,
  interrupted: AbortSignal = terminal.interrupted(),
): Server {
  return serverAt(urlOf(values.text('server') ?? runningUrl(terminal) ?? standardUrl), interrupted)
}

function serverAt(url: string, interrupted: AbortSignal): Server {
  const targetOf = (path: string, question: Question) =>
    `${url}${path}?${new URLSearchParams(question.map((pair): [string, string] => [...pair]))}`
  const unlessInterrupted = (error: unknown): never => {
    throw interrupted.aborted ? new Interrupted() : error
  }

  async function ask<T>(path: string, question: Question): Promise<T> {
    const signal = AbortSignal.any([interrupted, AbortSignal.timeout(answerMs)])
    const reached = reach(url, targetOf(path, question), signal).catch(unlessInterrupted)
    const [answer, body] = await reached
    if (answer.ok) return body as T
    throw errorOf(url, answer.status, body as Partial<ErrorBody>, question)
  }

  async function download(path: string, question: Question): Promise<Download> {
    const signal = AbortSignal.any([interrupted, AbortSignal.timeout(downloadMs)])
    const answer = await fetch(targetOf(path, question), { signal, redirect: 'error' }).catch(
      (error: unknown) => unlessInterrupted(unreachable(url, error)),
    )
    if (!answer.ok) {
      const body = parsed(url, answer, await answer.text()) as object
      throw errorOf(url, answer.status, body, question)
    }
    return { headers: answer.headers, octets: octetsOf(answer) }
  }

  async function* octetsOf({ body, headers }: Response): AsyncGenerator<Uint8Array, void, void> {
    let octets = 0
    try {
      for await (const chunk of body ?? []) {
        octets += chunk.length
        yield chunk
      }
    } catch (error) {
      unlessInterrupted(unreachable(url, error))
    }
    const wanted = headers.get('content-length')
    if (wanted === null || octets === Number(wanted)) return
    const reason = `${octets} of ${wanted} octets came`
    throw cliError('server_unreachable', { details: { server: url, reason } })
  }

  return { url, ask, download, until: (signal) => serverAt(url, signal) }
}

/** The last started of those that run here; that there are others is said. */
function runningUrl(terminal: Terminal): string | undefined {
  const [first, ...others] = findRunning(terminal.runtimeFolders)
  if (first && others.length > 0) {
    const all = [first, ...others].map(({ url }) => url).join(', ')
    note(terminal, `weir: several centrals run here: ${all}; asking the first (--server chooses)`)
  }
  return first?.url
}

/** `127.0.0.1:8080` and `http://127.0.0.1:8080/` are the same server. Throws AppError bad_flag. */
function urlOf(text: string): string {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`)
  if (url && /^https?:$/.test(url.protocol)) {
    return url.href.replace(/\/+$/, '')
  }
  const reason = `${JSON.stringify(text)} is no address of a server`
  const hint = 'Give http://ADDR:PORT, for example --server http://127.0.0.1:8080.'
  throw cliError('bad_flag', { details: { name: '--server', reason, hint } })
}

async function reach(
  server: string,
  target: string,
  signal: AbortSignal,
): Promise<[Response, unknown]> {
  const headers = { accept: 'application/json' }
  try {
    const answer = await fetch(target, { signal, redirect: 'error', headers })
    return [answer, parsed(server, answer, await answer.text())]
  } catch (error) {
    throw error instanceof AppError ? error : unreachable(server, error)
  }
}

function parsed(server: string, answer: Response, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const type = answer.headers.get('content-type') ?? 'no content type'
    throw cliError('not_weir', { details: { server, reason: `${answer.status}, ${type}` } })
  }
}

function unreachable(server: string, error: unknown): Error {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
  const late = error instanceof Error && error.name === 'TimeoutError'
  const reason = late ? `none within ${answerMs / 1000} s` : (code ?? messageOf(cause ?? error))
  return cliError('server_unreachable', { details: { server, reason }, cause: error })
}

function errorOf(
  server: string,
  status: number,
  body: Partial<ErrorBody>,
  question: Question,
): Error {
  const { message: said, remedy = '', details } = body?.error ?? {}
  const message = said && inFlagWords(said, details)
  if (message === undefined) {
    return cliError('not_weir', { details: { server, reason: `status ${status}` } })
  }
  if (status < 500) {
    return cliError('server_refused', {
      details: { message, remedy, ...placeOf(details, question) },
    })
  }
  return cliError('server_failed', { details: { server, status, message, remedy } })
}

/** Where in the filter that was asked for the mistake is. */
function placeOf(
  { parameter, position }: ErrorBody['error']['details'] = {},
  question: Question,
): { readonly filter?: string; readonly position?: number } {
  const filter = question.find(([name]) => name === 'filter')?.[1]
  if (parameter !== 'filter' || filter === undefined || typeof position !== 'number') return {}
  return { filter, position }
}

/** `from: "x" is no time` → `--from: "x" is no time`: nobody typed a parameter. */
function inFlagWords(message: string, details: ErrorBody['error']['details'] = {}): string {
  const { parameter, reason } = details
  const isNamed = typeof parameter === 'string' && message === `${parameter}: ${reason}`
  return isNamed ? `--${parameter.replaceAll('_', '-')}: ${reason}` : message
}
