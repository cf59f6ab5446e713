// One process of the test runner: imports the given files, prints failures and reasons of skips, and reports
// what becomes of each test on descriptor 3 at once, so that a process that is killed keeps its verdicts.
// A process that cannot exit by itself after its last test fails.
//
//   node tools/test-process.ts LIMIT_MS FILE…

import { writeSync } from 'node:fs'
import { relative } from 'node:path'
import { run } from 'node:test'
import { inspect } from 'node:util'
import type { Report, Verdict } from './test-report.ts'

interface TestEvent {
  readonly name: string
  /** A hook of a file that belongs to no suite has none when it fails. */
  readonly testId?: number
  readonly file?: string
  readonly type?: string
  readonly skip?: string | boolean
  readonly todo?: string | boolean
  readonly details: {
    readonly type?: string
    readonly error?: Error & { readonly failureType?: string }
    readonly duration_ms?: number
    readonly passed?: boolean
  }
}

const graceMs = 10_000
const [limitMs, ...files] = process.argv.slice(2)
/** Tests without a limit of their own inherit this one. */
const timeout = Number(limitMs)
const stream = run({ files, isolation: 'none', concurrency: false, timeout })
/** A test that takes longer is named: unit tests are the inner loop. */
const slowMs = files.length > 1 ? 1000 : 15_000
let failed = 0

/** A runner that was killed reads nothing any more, and ends nobody. */
const runner = process.ppid
setInterval(() => process.ppid === runner || process.exit(1), 1000).unref()

// The stream ends when nothing is open any more, so an open handle shows as no test running for long.
let running = 0
const watchdog = setTimeout(() => {
  if (running > 0) return
  const name = 'something is still open after the last test'
  console.log(`not ok  ${name}: ${process.getActiveResourcesInfo().join(', ')}`)
  report({ event: 'failed', id: -1, name, suite: false })
  process.exit(1)
}, graceMs).unref()

stream.on('test:enqueue', (event: TestEvent) => {
  running += 1
  report({ ...placeOf(event), event: 'queued' })
})
stream.on('test:dequeue', (event: TestEvent) => report({ ...placeOf(event), event: 'started' }))
stream.on('test:complete', (event: TestEvent) => {
  running -= 1
  watchdog.refresh()
  const verdict = verdictOf(event)
  if (verdict === 'failed') failed += 1
  const suite = isSuite(event) && !failedItself(event)
  if (!suite) print(event, verdict)
  report({ ...placeOf(event), suite, event: verdict })
})
// A hook outside of all suites that fails after the last test: node sends no other event for it.
stream.on('test:fail', (event: TestEvent) => {
  if (event.testId !== undefined) return
  failed += 1
  const hook = { ...event, name: 'a hook of the file' }
  print(hook, 'failed')
  report({ event: 'failed', id: -1 - failed, name: title(hook), suite: false })
})
stream.once('end', () => {
  process.exitCode = failed > 0 ? 1 : 0
})
stream.resume()

function verdictOf({ details, skip, todo }: TestEvent): Verdict {
  if (skip !== undefined || todo !== undefined) return 'skipped'
  return details.passed ? 'passed' : 'failed'
}

function print(event: TestEvent, verdict: Verdict): void {
  const { details, skip, todo } = event
  if (verdict === 'failed') {
    console.log(`not ok  ${title(event)}\n${indented(causeOf(details.error))}`)
  } else if (verdict === 'skipped') {
    const reason = skip ?? todo
    const said = reason === true || reason === '' ? 'no reason given' : reason
    console.log(`skip    ${title(event)}: ${said}`)
  }
  const ms = details.duration_ms ?? 0
  if (ms > slowMs) console.log(`slow    ${title(event)}: ${Math.round(ms)} ms`)
}

function isSuite(event: TestEvent): boolean {
  return (event.type ?? event.details.type) === 'suite'
}

/** A hook of the suite, or its own function. */
function failedItself({ details }: TestEvent): boolean {
  return details.error !== undefined && details.error.failureType !== 'subtestsFailed'
}

function placeOf(event: TestEvent): Omit<Report, 'event'> {
  return { id: event.testId ?? -1, name: title(event), suite: isSuite(event) }
}

function report(line: Report): void {
  writeSync(3, `${JSON.stringify(line)}\n`)
}

function title(event: TestEvent): string {
  return event.file ? `${relative(process.cwd(), event.file)}: ${event.name}` : event.name
}

/** node:test wraps what the test threw; the wrapping says nothing. */
function causeOf(error: Error | undefined): string {
  const cause = error?.cause ?? error
  return cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause)
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '        ')
}
