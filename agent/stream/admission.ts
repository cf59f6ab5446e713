// Watching begins when central has the agent's name for it. Two agents under one name would count everything
// twice, so the second one measures nothing: it waits, says so, and asks again. A central that cannot be reached is
// no reason to wait: that is what the spool is for.

import type { Component, Reporter } from '../../common/mod.ts'
import type { Stream } from './stream.ts'

export interface AdmissionDeps {
  readonly stream: Pick<Stream, 'outcome'>
  readonly watch: Component
  readonly log: Pick<Reporter['log'], 'info'>
  /** Watching could not begin after the wait. */
  readonly onDeath: (error: Error) => void
}

export interface Admission extends Component {
  isWatching(): boolean
}

/** An answer takes milliseconds; a central that does not even refuse is away. */
const firstAnswerMs = 1_000

/** `start` resolves when watching has begun, or when it has to wait for the name. */
export function createAdmission({ stream, watch, log, onDeath }: AdmissionDeps): Admission {
  let watching = false
  let stopped = false

  async function start(): Promise<void> {
    if ((await stream.outcome(firstAnswerMs)) !== 'taken') return begin()
    void waitForName().catch(onDeath)
  }

  async function waitForName(): Promise<void> {
    while ((await stream.outcome()) === 'taken');
    if (stopped) return
    await begin()
    log.info('the name is free, watching')
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
