// What the end of a connection means: from the state an end left, its error and its side. A pure table.

import { constants } from 'node:os'
import { type EndReason, errnoNames, tcpStates } from '../../wire/mod.ts'

/** Names of TCP states, by the kernel's number. */
export const stateNames = tcpStates

export const tcp = { established: 1, synSent: 2, close: 7, closeWait: 8 } as const

/** `111` → `ECONNREFUSED`; '' for 0, the number for one without a name here. */
export function errnoName(error: number): string {
  return error === 0 ? '' : (errnoNames.get(error) ?? String(error))
}

/** How one end ended, as its last record says. */
export interface EndOutcome {
  readonly side: 'src' | 'dst'
  /** The state it left; `close` when the kernel could not tell any more. */
  readonly state: number
  readonly error: number
  readonly localPort: number
  /** No record said so: it was there, then not. */
  readonly vanished: boolean
}

const { ECONNREFUSED, ETIMEDOUT, ECONNRESET, EPIPE } = constants.errno
const { EACCES, EHOSTUNREACH, ENETUNREACH, ENOPROTOOPT, EOPNOTSUPP, EPROTO } = constants.errno
const [ENONET, EHOSTDOWN] = [64, 112]

/** What the kernel makes of ICMP that says "not there" (icmp_err_convert); EACCES: IPv6, "administratively prohibited". */
const unreachable = new Set([
  EACCES,
  EHOSTDOWN,
  EHOSTUNREACH,
  ENETUNREACH,
  ENONET,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPROTO,
])

/** The value of `end_reason`; `ends` are those that the node saw, one or two. */
export function endReason(ends: readonly EndOutcome[]): EndReason {
  const attempt = ends.find((end) => end.side === 'src' && end.state === tcp.synSent)
  if (attempt && !attempt.vanished) return attemptReason(attempt)
  for (const { error, side } of ends) {
    if (error === ECONNRESET || error === EPIPE) return `reset_by_${side === 'src' ? 'dst' : 'src'}`
  }
  for (const { error } of ends) {
    if (error === ETIMEDOUT) return 'timeout'
    if (unreachable.has(error)) return 'unreachable'
  }
  if (ends.some((end) => end.vanished || end.state === tcp.close)) return 'unknown'
  for (const { state, error, side } of ends) {
    const open = state === tcp.established || state === tcp.closeWait
    if (open && error === 0) return `reset_by_${side}`
  }
  return ends.every((end) => end.error === 0) ? 'closed' : 'unknown'
}

function attemptReason({ error, localPort }: EndOutcome): EndReason {
  switch (error) {
    case 0:
      return localPort === 0 ? 'no_port' : 'abandoned'
    case ECONNREFUSED:
      return 'refused'
    case ETIMEDOUT:
      return 'timeout'
    default:
      return unreachable.has(error) ? 'unreachable' : 'unknown'
  }
}
