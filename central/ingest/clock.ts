// How far an agent's clock is from ours, by what it says (HELLO, CLOCK) against when it came. A small difference is
// left alone; beyond the bound the agent's rows are moved by it, in whole seconds, so that they stand where a
// question about the last minutes looks for them (docs/design/007-node-names-and-clocks.md).

export interface AgentClock {
  /**
   * A reading of the agent's clock that came now. `late`: it may have waited on its way, because central was not
   * reading; such a one says nothing.
   */
  read(agentMs: number, nowMs: number, late: boolean): void
  /** The agent's clock minus ours, as last measured; milliseconds. */
  offsetMs(): number
  /** To add to times of the agent's rows; 0 within the bound. */
  shiftNs(): bigint
}

/** Clocks that are kept by NTP differ by less. */
export const clockBoundMs = 5_000
/** The correction in use stays while it is right to this: every change makes a hole or an overlap in time. */
const toleranceMs = 1_000
/** Two readings in a row that differ by less saw the same clock: one that was merely late does not come twice. */
const agreementMs = 500

/** `first` is the reading of HELLO, which is believed at once: nothing was sent before it. */
export function createAgentClock(first: {
  readonly agentMs: number
  readonly nowMs: number
}): AgentClock {
  let measuredMs = first.agentMs - first.nowMs
  let usedMs = measuredMs

  function read(agentMs: number, nowMs: number, late: boolean): void {
    if (late) return
    const offsetMs = agentMs - nowMs
    const agrees = Math.abs(offsetMs - measuredMs) < agreementMs
    measuredMs = offsetMs
    if (agrees && Math.abs(offsetMs - usedMs) > toleranceMs) usedMs = offsetMs
  }

  function shiftNs(): bigint {
    if (Math.abs(usedMs) <= clockBoundMs) return 0n
    return BigInt(-Math.round(usedMs / 1000)) * 1_000_000_000n
  }

  return { read, offsetMs: () => measuredMs, shiftNs }
}
