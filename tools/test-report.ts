// What one process of the test runner tells the runner about its tests, one line of JSON each.

/** A place in a test file: a test, or a suite of tests (suites are not counted). */
export interface Report {
  readonly event: 'queued' | 'started' | Verdict
  /** The same for all reports of one test. */
  readonly id: number
  readonly name: string
  readonly suite: boolean
}

export type Verdict = 'passed' | 'failed' | 'skipped'

/** What became of the tests of one process. */
export interface Outcome {
  readonly passed: number
  readonly skipped: number
  /** Names of the tests that failed, those of `unfinished` included. */
  readonly failed: readonly string[]
  /** Tests without a verdict, each with what happened to it. */
  readonly unfinished: readonly string[]
}

/**
 * Reads the reports of a process. If it ended badly (`end` says how), the test that ran then has failed, the
 * tests that it did not reach have failed as "not run", and if there are none the process itself is one failed test.
 */
export function outcomeOf(reports: readonly Report[], title: string, end?: string): Outcome {
  const last = new Map(reports.map((report) => [report.id, report]))
  const of = (...events: Report['event'][]) =>
    [...last.values()].filter(({ event }) => events.includes(event))
  const tests = (verdict: Verdict) => of(verdict).filter(({ suite }) => !suite)
  const failed = tests('failed').map(({ name }) => name)
  const counts = { passed: tests('passed').length, skipped: tests('skipped').length }
  if (end === undefined) return { ...counts, failed, unfinished: [] }
  const cutOff = of('started').filter(({ suite }) => !suite)
  const unreached = of('queued').map(({ name }) => `${name} (not run)`)
  const named = [...cutOff.map(({ name }) => `${name} (${end})`), ...unreached]
  const unfinished = named.length > 0 ? named : [`${title} (${end})`]
  return { ...counts, failed: [...failed, ...unfinished], unfinished }
}
