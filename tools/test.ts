// Runs the tests: all *.test.ts in two processes, then each *.native.test.ts (probes, the embedded engine, child
// processes) in a process of its own, three at once. A native test whose file says "Runs alone: REASON." in a
// comment of its own line has the machine for itself, after the others. The last line is the result alone.
//
//   node tools/test.ts [--unit [--changed]] [--filter TEXT]… [--repeat N] [--load] [--limit SECONDS] [--in FOLDER]
//
// --changed leaves out what passed with the same sources (unchanged.ts); --repeat runs everything N times and ends
// with a table; --load keeps every CPU busy beside it; --limit is for one test; --in is another tree of tests.

import { type ChildProcess, spawn } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { endGroups, type GroupResult, runGroup, type TestGroup } from './test-group.ts'
import { type RunResult, slowest, tableOf } from './test-table.ts'
import { unchangedSince } from './unchanged.ts'

const unitLimitMs = 30_000
const nativeLimitMs = 180_000
/** Folders whose files begin first: one of minutes that begins last would leave a CPU without work. */
const longFirst = ['tools/', 'test/e2e/', 'kernel/probes/xdp/', 'test/']
const unitsAtOnce = Math.min(2, availableParallelism())
/** They wait for something, processes, kernel and clock, for a third of their time. */
const nativesAtOnce = unitsAtOnce + 1
/** What one process runs at least. */
const unitFilesMin = 20

const { values } = parseArgs({
  options: {
    unit: { type: 'boolean', default: false },
    changed: { type: 'boolean', default: false },
    filter: { type: 'string', multiple: true, default: [] },
    repeat: { type: 'string', default: '1' },
    load: { type: 'boolean', default: false },
    limit: { type: 'string' },
    in: { type: 'string', default: fileURLToPath(new URL('..', import.meta.url)) },
  },
})
const home = values.in
const repeat = Number(values.repeat)
if (!Number.isInteger(repeat) || repeat < 1) {
  console.error(`--repeat ${values.repeat}: a number from 1 on`)
  process.exit(64)
}

const unchanged = values.changed
  ? unchangedSince(home, join(home, 'build', 'unit-tests.json'))
  : undefined
const groups = findGroups()
const load = values.load ? startLoad() : []
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    endGroups()
    for (const busy of load) busy.kill('SIGKILL')
    process.exit(130)
  })
}

const width = { unit: unitsAtOnce, shared: nativesAtOnce, alone: 1 }
const results: (GroupResult & RunResult)[] = []
for (let run = 1; run <= repeat; run++) {
  for (const part of ['unit', 'shared', 'alone'] as const) {
    await runAll(groups[part], width[part], run)
  }
}
for (const busy of load) busy.kill('SIGKILL')

if (repeat > 1) console.log(tableOf(results).join('\n'))
else if (results.length > 10) console.log(`the slowest:\n${slowest(results, 10).join('\n')}`)
const sum = (count: (result: GroupResult) => number): number =>
  results.reduce((total, result) => total + count(result), 0)
const passed = sum((result) => result.passed)
const failed = sum((result) => result.failed.length)
const skipped = sum((result) => result.skipped)
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failed > 0 || passed + skipped === 0 ? 1 : 0

interface Groups {
  readonly unit: readonly TestGroup[]
  readonly shared: readonly TestGroup[]
  readonly alone: readonly TestGroup[]
}

function findGroups(): Groups {
  const files = globSync('**/*.test.ts', {
    cwd: home,
    exclude: (path) => /^(?:node_modules|build|dist|\.git)$/.test(path.split('/').at(-1) ?? ''),
  })
    .filter(
      (file) => values.filter.length === 0 || values.filter.some((text) => file.includes(text)),
    )
    .sort()
  const limit = (standard: number) => Number(values.limit ?? standard / 1000) * 1000
  const isNative = (file: string) => file.endsWith('.native.test.ts')
  const unit = files.filter((file) => !isNative(file) && !unchanged?.has(file))
  const natives = values.unit ? [] : files.filter(isNative).sort(longestFirst)
  const [alone, shared] = [natives.filter(runsAlone), natives.filter((file) => !runsAlone(file))]
  const native = (file: string): TestGroup => {
    return { title: file, files: [file], testLimitMs: limit(nativeLimitMs) }
  }
  return {
    unit: unitGroups(unit, limit(unitLimitMs)),
    shared: shared.map(native),
    alone: alone.map(native),
  }
}

function longestFirst(one: string, other: string): number {
  const rank = (file: string) => {
    const found = longFirst.findIndex((folder) => file.startsWith(folder))
    return found < 0 ? longFirst.length : found
  }
  return rank(one) - rank(other) || (one < other ? -1 : 1)
}

/** As many processes as run at once, unless the files are so few that one is done before. */
function unitGroups(files: readonly string[], testLimitMs: number): readonly TestGroup[] {
  if (files.length === 0) return []
  const parts = files.length < unitFilesMin * unitsAtOnce ? 1 : unitsAtOnce
  return Array.from({ length: parts }, (_, part) => ({
    title: parts === 1 ? 'unit tests' : `unit tests, ${part + 1} of ${parts}`,
    files: files.filter((_, index) => index % parts === part),
    testLimitMs,
  }))
}

function runsAlone(file: string): boolean {
  return /^\/\/ Runs alone: \S/m.test(readFileSync(join(home, file), 'utf8'))
}

/** Runs groups, `width` of them at once; the output of each comes as a whole when it has ended. */
async function runAll(queue: readonly TestGroup[], width: number, run: number): Promise<void> {
  const waiting = [...queue]
  const lane = async () => {
    for (let group = waiting.shift(); group; group = waiting.shift()) {
      const result = { ...(await runGroup(group, home)), run }
      results.push(result)
      print(result)
      unchanged?.keep(passedFiles(group, result))
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
}

/** Failures are named `FILE: TEST`; of a process that ended badly no file has passed. */
function passedFiles({ files }: TestGroup, { failed, unfinished }: GroupResult): readonly string[] {
  if (unfinished.length > 0) return []
  return files.filter((file) => !failed.some((name) => name.startsWith(`${file}: `)))
}

function print({ title, seconds, output, run, ...outcome }: GroupResult & RunResult): void {
  process.stdout.write(output)
  const { passed, failed, skipped, unfinished } = outcome
  for (const name of unfinished) console.log(`not ok  ${name}`)
  const mark = failed.length > 0 ? 'FAILED' : 'ok'
  const counts = `${passed} passed, ${failed.length} failed, ${skipped} skipped`
  const which = repeat > 1 ? ` (run ${run} of ${repeat})` : ''
  console.log(`${mark}  ${title}${which}: ${counts} in ${seconds.toFixed(1)} s`)
}

/** One busy process per CPU; each exits by itself when we are gone. */
function startLoad(): readonly ChildProcess[] {
  const busy = `while (process.ppid === ${process.pid}) for (let i = 0; i < 1e6; i++);`
  return Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ['-e', busy], { stdio: 'ignore' }),
  )
}
