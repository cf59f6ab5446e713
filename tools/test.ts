// Runs the tests: all *.test.ts in one process, then each *.native.test.ts (probes, the embedded engine,
// child processes) in a process of its own, one after the other. The last line is the result alone.
//
//   node tools/test.ts [--unit] [--filter TEXT] [--limit SECONDS]

import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Tally } from './test-process.ts'

const home = fileURLToPath(new URL('..', import.meta.url))
const unitLimitSeconds = 60

const { values } = parseArgs({
  options: {
    unit: { type: 'boolean', default: false },
    filter: { type: 'string', default: '' },
    limit: { type: 'string', default: '180' },
  },
})

const files = globSync('**/*.test.ts', {
  cwd: home,
  exclude: (path) => /^(?:node_modules|build|dist|\.git)$/.test(path.split('/').at(-1) ?? ''),
})
  .filter((file) => file.includes(values.filter))
  .sort()
const units = files.filter((file) => !file.endsWith('.native.test.ts'))
const natives = values.unit ? [] : files.filter((file) => file.endsWith('.native.test.ts'))

let current: number | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    if (current) endGroup(current)
    process.exit(130)
  })
}

const tallies: Tally[] = []
if (units.length > 0) tallies.push(await runProcess('unit tests', units, unitLimitSeconds))
for (const file of natives) tallies.push(await runProcess(file, [file], Number(values.limit)))

const sum = (key: keyof Tally): number => tallies.reduce((total, tally) => total + tally[key], 0)
const skipped = sum('skipped') > 0 ? `, ${sum('skipped')} skipped` : ''
console.log(`${sum('passed')} passed, ${sum('failed')} failed${skipped}`)
process.exitCode = sum('failed') > 0 || sum('passed') === 0 ? 1 : 0

/** One process for these files. Its verdict comes back on descriptor 3, because tests may print. */
async function runProcess(title: string, paths: readonly string[], limit: number): Promise<Tally> {
  const started = performance.now()
  const script = fileURLToPath(new URL('test-process.ts', import.meta.url))
  const child = spawn(process.execPath, [script, ...paths], {
    cwd: home,
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    // A group of its own, so that the time limit reaches what the tests started, too.
    detached: true,
  })
  current = child.pid
  let late = false
  const timer = setTimeout(() => {
    late = true
    if (child.pid) endGroup(child.pid)
  }, limit * 1000)
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
  })
  const verdict = await text(child.stdio[3] as Readable)
  const end = await ended
  clearTimeout(timer)
  current = undefined
  const tally = tallyOf(verdict, late ? `no end within ${limit} s` : end, title)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const mark = tally.failed > 0 ? 'FAILED' : 'ok'
  console.log(
    `${mark}  ${title}: ${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped in ${seconds} s`,
  )
  return tally
}

/** A process that ended without its verdict, or badly after a good one, is one failed test more. */
function tallyOf(verdict: string, end: string, title: string): Tally {
  const empty: Tally = { passed: 0, failed: 0, skipped: 0 }
  const tally = verdict === '' ? empty : (JSON.parse(verdict) as Tally)
  if (end === 'exit code 0' || (end === 'exit code 1' && tally.failed > 0)) return tally
  console.log(`not ok  ${title}: the process ended with ${end}`)
  return { ...tally, failed: tally.failed + 1 }
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has just ended by itself.
  }
}
