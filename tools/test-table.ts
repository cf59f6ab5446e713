// What many runs of the tests came to, as lines to print.

import type { GroupResult } from './test-group.ts'

export interface RunResult extends Pick<GroupResult, 'title' | 'seconds' | 'failed'> {
  /** From 1. */
  readonly run: number
}

/** Per group: runs, runs with a failure, shortest and longest; then each failed test with the runs it failed in. */
export function tableOf(results: readonly RunResult[]): readonly string[] {
  const groups = Map.groupBy(results, ({ title }) => title)
  const rows = [...groups].map(([title, runs]) => {
    const seconds = runs.map((run) => run.seconds)
    const failures = runs.filter(({ failed }) => failed.length > 0).length
    return {
      title,
      runs: runs.length,
      failures,
      min: Math.min(...seconds),
      max: Math.max(...seconds),
    }
  })
  const width = Math.max(5, ...rows.map(({ title }) => title.length))
  const lines = rows
    .toSorted((a, b) => b.max - a.max)
    .map(({ title, runs, failures, min, max }) => {
      const counts = `${String(runs).padStart(4)}  ${String(failures).padStart(8)}`
      return `${title.padEnd(width)}  ${counts}  ${min.toFixed(1)}–${max.toFixed(1)}`
    })
  return [`${'tests'.padEnd(width)}  runs  failures  seconds`, ...lines, ...failuresOf(results)]
}

function failuresOf(results: readonly RunResult[]): readonly string[] {
  const named = results.flatMap(({ run, failed }) => failed.map((name) => ({ run, name })))
  return [...Map.groupBy(named, ({ name }) => name)].map(
    ([name, failures]) => `failed in run ${failures.map(({ run }) => run).join(', ')}: ${name}`,
  )
}

/** The slowest groups of one run. */
export function slowest(results: readonly RunResult[], count: number): readonly string[] {
  return results
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, count)
    .map(({ title, seconds }) => `${seconds.toFixed(1).padStart(6)} s  ${title}`)
}
