// Every connection of XDP telemetry agents: who may come, how many, and their end.

import type { Socket } from 'node:net'
import type { AppError, CounterHandle, Reporter } from '../../common/mod.ts'
import { centralError } from '../errors.ts'
import { createAllowed } from './allow.ts'
import { createTelemetrySession, type TelemetryDeps, type TelemetrySession } from './session.ts'

export interface Telemetry {
  /** Takes a socket over; `first` is what was read of it. */
  open(socket: Socket, first: Uint8Array): void
  /** Ends all; resolves when their rows are on their way to the disk. */
  stop(): Promise<void>
}

const sessionsMax = 64

export function createTelemetry(
  allow: readonly string[],
  deps: Pick<TelemetryDeps, 'take' | 'ledger' | 'onEvent'> & {
    readonly counts: { readonly frames: CounterHandle; readonly refusals: CounterHandle }
  },
  reporter: Reporter,
): Telemetry {
  const isAllowed = createAllowed(allow)
  const sessions = new Set<TelemetrySession>()
  const { counts, ...rest } = deps

  function open(socket: Socket, first: Uint8Array): void {
    const refusal = refusalOf(socket)
    if (refusal) {
      counts.refusals.add(1, refusal.code)
      reporter.limited.warn(refusal.code, { err: refusal.message }, 'refusing a connection')
      socket.destroy()
      return
    }
    const session: TelemetrySession = createTelemetrySession(
      socket,
      first,
      {
        ...rest,
        frames: counts.frames,
        refusals: counts.refusals,
        nowNs: () => BigInt(Date.now()) * 1_000_000n,
        onClose: () => sessions.delete(session),
      },
      reporter,
    )
    sessions.add(session)
  }

  function refusalOf({ remoteAddress }: Socket): AppError | undefined {
    const isFull = sessions.size >= sessionsMax
    if (isAllowed(remoteAddress) && !isFull) return undefined
    const why = isFull ? `there are ${sessionsMax} connections` : 'it is not in the list'
    const address = remoteAddress ?? 'this host'
    return centralError('telemetry_refused', { details: { address, why } })
  }

  async function stop(): Promise<void> {
    const ending = [...sessions].map((session) => session.stop())
    await Promise.all(ending)
  }

  return { open, stop }
}
