// The tests of probe and loader on the kernels that Debian ships: each boots in an emulated machine from nothing but
// a kernel package and an initial RAM disk with the sources and the programs that the tests call.
//
//   npm run test:kernels [5.10] [6.1] [6.12]      (root, Debian 12, some minutes per kernel)

import { spawn } from 'node:child_process'
import { messageOf } from '../../common/mod.ts'
import { buildDisk } from './disk.ts'
import { fetchKernel, installTools, type Kernel, series } from './packages.ts'

interface Result {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** The guest said that the tests came to their end; a panic or a time-out did not. */
  readonly ended: boolean
}

const limitMs = 1_200_000
/** EX_TEMPFAIL: there is nothing to test with. */
const notToBeHad = 75
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !series.includes(name))
if (unknown.length > 0) {
  console.error(`unknown kernel ${unknown.join(', ')}; known: ${series.join(', ')}`)
  process.exit(64)
}

let passed = 0
let failed = 0
for (const kernel of fetchAll(wanted.length > 0 ? wanted : series)) {
  console.log(`booting ${kernel.release} …`)
  const result = await boot(kernel.image, buildDisk(kernel))
  const verdict = result.ended ? '' : ', and never ended'
  console.log(`${kernel.release}: ${result.passed} passed, ${result.failed} failed${verdict}`)
  passed += result.passed
  failed += result.failed + (result.ended ? 0 : 1)
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0

/** Ends with 75 if Debian's packages are not to be had. */
function fetchAll(names: readonly string[]): readonly Kernel[] {
  try {
    installTools()
    return names.map(fetchKernel)
  } catch (error) {
    console.error(`skipped the kernels: ${messageOf(error)}`)
    return process.exit(notToBeHad)
  }
}

function boot(image: string, disk: string): Promise<Result> {
  const machine = [
    '-m',
    '2048',
    '-smp',
    '2',
    '-cpu',
    'max',
    '-nographic',
    '-no-reboot',
    '-nic',
    'none',
  ]
  const command = 'console=ttyS0 panic=-1 quiet rdinit=/init'
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
      const result = read(text)
      if (result.failed > 0 || !result.ended) console.log(text)
      resolve(result)
    })
  })
}

/** The closing lines of node's own test runner, in its TAP form. */
function read(text: string): Result {
  const count = (word: string) => Number(new RegExp(`^# ${word} (\\d+)`, 'm').exec(text)?.[1] ?? 0)
  return {
    passed: count('pass'),
    failed: count('fail'),
    skipped: count('skipped'),
    ended: text.includes('weir-guest: done'),
  }
}
