// One process of the test runner: imports the given files, prints failures and reasons of skips, and writes
// its tally to descriptor 3. A process that cannot end by itself after its last test fails.

import { writeSync } from 'node:fs'
import { relative } from 'node:path'
import { run } from 'node:test'
import { inspect } from 'node:util'

/** Numbers of tests; suites are not counted. */
export interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

interface TestEvent {
  readonly name: string
  readonly file?: string
  readonly skip?: string | boolean
  readonly todo?: string | boolean
  readonly details: {
    readonly type?: string
    readonly error?: Error
    readonly duration_ms?: number
  }
}

/** Unit tests are the inner loop: one that takes longer is named. */
const slowMs = 1000
const together = process.argv.length > 3
const graceMs = 10_000
const tally = { passed: 0, failed: 0, skipped: 0 }
const stream = run({ files: process.argv.slice(2), isolation: 'none', concurrency: false })

stream.on('test:pass', (event: TestEvent) => {
  if (event.details.type === 'suite') return
  const ms = event.details.duration_ms ?? 0
  if (together && ms > slowMs) console.log(`slow    ${title(event)}: ${Math.round(ms)} ms`)
  if (event.skip === undefined && event.todo === undefined) {
    tally.passed += 1
    return
  }
  tally.skipped += 1
  const reason = event.skip ?? event.todo
  console.log(
    `skip    ${title(event)}: ${reason === true || reason === '' ? 'no reason given' : reason}`,
  )
})

stream.on('test:fail', (event: TestEvent) => {
  if (event.details.type === 'suite') return
  tally.failed += 1
  console.log(`not ok  ${title(event)}\n${indented(causeOf(event.details.error))}`)
})

// The stream ends when nothing is open any more, so an open handle shows as no test running for long.
let running = 0
const watchdog = setTimeout(() => {
  if (running > 0) return
  const open = process.getActiveResourcesInfo().join(', ')
  console.log(`not ok  still open ${graceMs / 1000} s after the last test: ${open}`)
  tally.failed += 1
  process.exit(conclude())
}, graceMs).unref()
stream.on('test:enqueue', () => {
  running += 1
})
stream.on('test:complete', () => {
  running -= 1
  watchdog.refresh()
})
stream.once('end', () => {
  process.exitCode = conclude()
})
stream.resume()

function conclude(): number {
  writeSync(3, JSON.stringify(tally))
  return tally.failed > 0 ? 1 : 0
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
