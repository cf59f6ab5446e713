// Runs test files in one process of their own and says what became of each test, however the process ends.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type Outcome, outcomeOf, type Report } from './test-report.ts'

export interface TestGroup {
  readonly title: string
  readonly files: readonly string[]
  /** The longest that one of its tests may take. */
  readonly testLimitMs: number
}

export interface GroupResult extends Outcome {
  readonly title: string
  readonly seconds: number
  /** What the tests printed. */
  readonly output: string
}

const script = fileURLToPath(new URL('test-process.ts', import.meta.url))
/** Compiled code outlives the process: hundreds of them run the same sources. */
const compiled = fileURLToPath(new URL('../build/compiled', import.meta.url))
const running = new Set<number>()

/** The time in which node:test itself ends a test that is too slow, before the process is killed for it. */
const graceMs = (testLimitMs: number) => Math.max(3000, testLimitMs / 10)
/** What a process may still report after its exit. */
const drainMs = 1000

/**
 * Runs a group to its end. There is no limit for the whole: a process is killed when nothing was reported for
 * longer than a test may take, so its limit is always above the sum of the limits of its tests.
 */
export async function runGroup(group: TestGroup, cwd: string): Promise<GroupResult> {
  const startedMs = performance.now()
  const child = spawn(process.execPath, [script, String(group.testLimitMs), ...group.files], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? compiled },
    // A process group of its own, so that the end reaches what the tests started, too.
    detached: true,
  })
  const pid = child.pid as number
  running.add(pid)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (part: string) => {
      output += part
    })
  }
  let late = false
  const timer = setTimeout(() => {
    late = true
    endProcessGroup(pid)
  }, group.testLimitMs + graceMs(group.testLimitMs))
  const reports: Report[] = []
  const lines = createInterface({ input: child.stdio[3] as Readable })
  lines.on('line', (line) => {
    reports.push(JSON.parse(line) as Report)
    timer.refresh()
  })
  const closed = once(child, 'close')
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  clearTimeout(timer)
  // What its tests have left running holds the pipes open, and must not outlive it.
  endProcessGroup(pid)
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, drainMs))])
  running.delete(pid)
  const seconds = (performance.now() - startedMs) / 1000
  const outcome = outcomeOf(reports, group.title, badEnd(reports, late, code, signal))
  return { title: group.title, seconds, output, ...outcome }
}

/** Undefined if the process ended as its reports say. */
function badEnd(
  reports: readonly Report[],
  late: boolean,
  code: number | null,
  signal: string | null,
): string | undefined {
  if (late) return 'killed: longer than a test may take'
  if (signal !== null) return `the process ended with ${signal}`
  const failed = reports.some(({ event }) => event === 'failed')
  if (reports.length > 0 && code === (failed ? 1 : 0)) return undefined
  return `the process ended with exit code ${code}`
}

/** Ends every process of every group that runs. */
export function endGroups(): void {
  for (const pid of running) endProcessGroup(pid)
}

function endProcessGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has just ended by itself.
  }
}
