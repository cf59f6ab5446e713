// Watching begins when central has the agent's name for it. Two agents under one name would count everything
// twice, so the second one measures nothing: it waits, says so, and asks again. A central that cannot be reached is
// no reason to wait: that is what the spool is for. Only before its first answer ever an agent waits for it, because
// without the fleet's key its connections would have ids of their own.

import type { Component, Reporter } from '../../common/mod.ts'
import type { Outcome, Stream } from './stream.ts'

export interface AdmissionDeps {
  readonly stream: Pick<Stream, 'outcome'>
  readonly watch: Component
  readonly log: Pick<Reporter['log'], 'info'>
  /** Whether a central has ever handed out the key of connection ids. */
  readonly hasKey: () => boolean
  /** Watching could not begin after the wait. */
  readonly onDeath: (error: Error) => void
}

export interface Admission extends Component {
  isWatching(): boolean
}

/** An answer takes milliseconds; a central that does not even refuse is away. */
const firstAnswerMs = 1_000

/** `start` resolves when watching has begun, or when it has to wait for the name. */
export function createAdmission(deps: AdmissionDeps): Admission {
  const { stream, watch, log, hasKey, onDeath } = deps
  let watching = false
  let stopped = false

  async function start(): Promise<void> {
    if (mayBegin(await stream.outcome(firstAnswerMs))) return begin()
    if (!hasKey()) log.info('waiting for the first answer of central')
    void waitForCentral().catch(onDeath)
  }

  function mayBegin(outcome: Outcome): boolean {
    return outcome === 'welcome' || (outcome === 'away' && hasKey())
  }

  async function waitForCentral(): Promise<void> {
    while (!mayBegin(await stream.outcome()) && !stopped);
    if (stopped) return
    await begin()
    log.info('central takes this agent, watching')
  }

  async function begin(): Promise<void> {
    watching = true
    await watch.start()
  }

  async function stop(): Promise<void> {
    stopped = true
    if (watching) await watch.stop()
  }

  return { name: 'admission', start, stop, isWatching: () => watching }
}
