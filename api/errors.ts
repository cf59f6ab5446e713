// What can go wrong with a request, and what the one who asked can do about it.

import { type AppError, errorsOf } from '../common/mod.ts'
import type { ErrorBody } from './contract/mod.ts'

/** The errors of this folder, as docs/reference/errors.md lists them. */
export const apiErrors = {
  unknown_parameter: {
    message: 'unknown parameter {parameter}',
    status: 400,
    exitCode: 64,
    remedy: '{hint}',
  },
  bad_parameter: {
    message: '{parameter}: {reason}',
    status: 400,
    exitCode: 64,
    remedy: '{hint}',
  },
  bad_request: {
    message: 'the request cannot be read: {reason}',
    status: 400,
    exitCode: 64,
    remedy: 'See /docs for what can be asked.',
  },
  not_found: {
    message: 'there is nothing at {path}',
    status: 404,
    exitCode: 64,
    remedy: 'See /docs for what there is.',
  },
  method_not_allowed: {
    message: '{method} is not possible here: everything is read with GET',
    status: 405,
    exitCode: 64,
    remedy: 'See /docs for what can be asked.',
  },
  host_refused: {
    message: 'this server does not answer to the name {host}',
    status: 421,
    exitCode: 64,
    remedy: 'Use an address that it listens on, such as 127.0.0.1 or localhost.',
  },
  busy: {
    message: '{count} questions are being answered already',
    status: 503,
    exitCode: 75,
    remedy: 'Ask again in a moment.',
  },
  live_full: {
    message: 'there are too many live readers already',
    status: 503,
    exitCode: 75,
    remedy: 'Close another live view, or ask /api/flows and /api/events again and again.',
  },
  readers_slow: {
    message: 'answers that wait for slow readers fill the memory for answers',
    status: 503,
    exitCode: 75,
    remedy: 'Ask again in a moment, or for fewer rows (limit), and read answers as they come.',
  },
  address_too_long: {
    message: 'the address is longer than 16 kB',
    status: 414,
    exitCode: 64,
    remedy: 'Give fewer values, or a CIDR instead of many addresses.',
  },
  headers_too_long: {
    message: 'the headers are longer than 16 kB',
    status: 431,
    exitCode: 64,
    remedy: 'Send fewer headers or cookies.',
  },
  page_not_built: {
    message: 'the page is not built',
    status: 503,
    exitCode: 69,
    remedy: 'Run `npm run build:web`; the API at /docs works without it.',
  },
  port_taken: {
    message: 'listening on {host}:{port}: the port is taken',
    status: 500,
    exitCode: 69,
    remedy:
      'Stop what uses it (`ss -ltnp` shows it), or give another with --listen; port 0 takes a free one.',
  },
  listen_refused: {
    message: 'listening on {host}:{port}: {reason}',
    status: 500,
    exitCode: 69,
    remedy: 'Give an address of this host with --listen, and a port that this user may use.',
  },
  internal: {
    message: 'the question could not be answered',
    status: 500,
    exitCode: 70,
    remedy: 'This is a fault in Weir: please report it with the log lines around it.',
  },
} as const

export const apiError = errorsOf(apiErrors)

/** A value that cannot be: `parameter: reason`, with what would do, and the value that was probably meant. */
export function badParameter(
  parameter: string,
  reason: string,
  hint: string,
  suggestion?: string | undefined,
) {
  const meant = suggestion === undefined ? {} : { suggestion }
  return apiError('bad_parameter', { details: { parameter, reason, hint, ...meant } })
}

/** The error as an answer has it. */
export function bodyOf({ code, message, remedy, details }: AppError): ErrorBody {
  // Said in the remedy, in the message, and by whoever asked.
  const { hint: _hint, what: _what, filter: _filter, ...rest } = details
  return { error: { code, message, remedy, details: rest } }
}
