// The tests of probe and loader on the kernels that Debian ships: each boots in an emulated machine from nothing but
// a kernel package and an initial RAM disk with the sources and the programs that the tests call.
//
//   npm run test:kernels -- [5.10] [6.1] [6.12] [PATTERN…]   (root, Debian 12, two at once, some minutes per machine)
//
// Two machines share the files of a kernel, so that none runs alone at the end while a CPU has nothing to do.
//
// A PATTERN names test files from the repository's root: 'kernel/loader/attach/*.native.test.ts'.

import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../../common/mod.ts'
import { buildDisk, kernelTests } from './disk.ts'
import { fetchKernel, installTools, type Kernel, series } from './packages.ts'
import { readVerdicts, type Verdicts } from './verdicts.ts'

/** One machine: a kernel and its share of the test files. */
interface Machine {
  readonly kernel: Kernel
  /** `1 of 2`. */
  readonly part: string
  readonly tests: readonly string[]
  /** It runs what crashed in another machine. */
  readonly again: boolean
}

const limitMs = 2_400_000
const partsMax = 2
/** Fewer files are not worth a machine. */
const filesMin = 4
/** A machine keeps little more than one CPU busy. */
const atOnce = Math.min(2, availableParallelism())
const operands = process.argv.slice(2)
const patterns = operands.filter((operand) => operand.includes('/'))
const home = fileURLToPath(new URL('../../', import.meta.url))
const files = globSync([...(patterns.length > 0 ? patterns : kernelTests)], { cwd: home }).sort()
if (files.length === 0) {
  console.error(`no test file fits ${patterns.join(' ')}`)
  process.exit(64)
}
const wanted = operands.filter((operand) => !operand.includes('/'))
const unknown = wanted.filter((name) => !series.includes(name))
if (unknown.length > 0) {
  console.error(`unknown kernel ${unknown.join(', ')}; known: ${series.join(', ')}`)
  process.exit(64)
}

const names = wanted.length > 0 ? wanted : series
const kernels = names.flatMap(fetch)
const results: Verdicts[] = []
const waiting = kernels.flatMap(machinesOf)
await Promise.all(Array.from({ length: atOnce }, testMachines))

const sum = (count: (verdicts: Verdicts) => number): number =>
  results.reduce((total, result) => total + count(result), 0)
const passed = sum((result) => result.passed)
const failed = sum((result) => result.failed.length + (result.ended ? 0 : 1))
const skipped = sum((result) => result.skipped) + names.length - kernels.length
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failed > 0 || passed + skipped === 0 ? 1 : 0

/** A kernel whose packages cannot be had is skipped with a reason, and counts as one skipped test. */
function fetch(name: string): readonly Kernel[] {
  try {
    installTools()
    return [fetchKernel(name)]
  } catch (error) {
    console.log(`skip    kernel ${name}: ${messageOf(error)}`)
    return []
  }
}

/** Neighbours in the alphabet, which are often equally slow, go to different machines. */
function machinesOf(kernel: Kernel): readonly Machine[] {
  const parts = Math.min(partsMax, Math.max(1, Math.floor(files.length / filesMin)))
  return Array.from({ length: parts }, (_, part) => ({
    kernel,
    part: `${part + 1} of ${parts}`,
    tests: files.filter((_, index) => index % parts === part),
    again: false,
  }))
}

/** One of the lanes: takes machines until none is waiting. */
async function testMachines(): Promise<void> {
  for (let machine = waiting.shift(); machine; machine = waiting.shift()) {
    const { kernel, part, tests, again } = machine
    const startedMs = performance.now()
    const said = await boot(kernel.image, buildDisk(kernel, part, tests))
    const result = again ? withCrashes(said) : said
    if (!again) repeatCrashed(machine, said)
    results.push(result)
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0)
    const mark = result.ended && result.failed.length === 0 ? 'ok' : 'FAILED'
    const counts = `${result.passed} passed, ${result.failed.length} failed, ${result.skipped} skipped`
    for (const skip of result.skips) console.log(`skip    kernel ${kernel.release}: ${skip}`)
    const verdict = result.ended ? '' : ', and never ended'
    console.log(`${mark}  kernel ${kernel.release}, ${part}: ${counts}${verdict} in ${seconds} s`)
    for (const { name, ms } of result.slowest) {
      console.log(`        ${(ms / 1000).toFixed(0).padStart(4)} s  ${name}`)
    }
    // Again, behind the guest's whole text: of a long log its end is what is kept and looked at.
    for (const block of result.failed) console.log(block)
  }
}

/** V8 crashes now and then on an emulated CPU (see `boot`). A file whose process did runs once more, in a new machine. */
function repeatCrashed({ kernel, part }: Machine, { crashed }: Verdicts): void {
  if (crashed.length === 0) return
  const tests = crashed.map(({ file }) => file)
  waiting.push({ kernel, part: `${part}, once more`, tests, again: true })
  console.log(`once more, its process crashed: kernel ${kernel.release}: ${tests.join(' ')}`)
  for (const { said } of crashed) console.log(said)
}

/** A file that crashes the second time has failed. */
function withCrashes(verdicts: Verdicts): Verdicts {
  const failed = [...verdicts.failed, ...verdicts.crashed.map(({ said }) => said)]
  return { ...verdicts, failed }
}

function boot(image: string, disk: string): Promise<Verdicts> {
  const machine = [
    '-m',
    '2048',
    '-smp',
    '2',
    // One host thread emulates both CPUs in turns. With a thread for each, V8 failed in about one of 40 starts of a
    // process with a worker thread (SIGSEGV, or `Check failed: it->second.Size() > offset` of its code pages).
    '-accel',
    'tcg,thread=single',
    '-cpu',
    'max,pku=off',
    '-nographic',
    '-no-reboot',
    '-nic',
    'none',
  ]
  // An emulated CPU can be too slow for the kernel's own check of its timer. It takes the timer for broken then ("8254
  // timer not connected to IO-APIC"), and such a machine stood still for good once.
  const command = 'console=ttyS0 panic=-1 quiet no_timer_check rdinit=/init'
  const guest = spawn(
    'qemu-system-x86_64',
    [...machine, '-kernel', image, '-initrd', disk, '-append', command],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const timer = setTimeout(() => guest.kill('SIGKILL'), limitMs)
  let text = ''
  guest.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  return new Promise((resolve) => {
    guest.once('close', () => {
      clearTimeout(timer)
      const result = readVerdicts(text)
      if (result.failed.length + result.crashed.length > 0 || !result.ended) console.log(text)
      resolve(result)
    })
  })
}
