// The inner loop: format and lint, types, house rules and the unit tests of what has changed, all at once.

import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const home = fileURLToPath(new URL('..', import.meta.url))
const bin = `${home}node_modules/.bin`

interface Step {
  readonly name: string
  readonly command: readonly [string, ...string[]]
}

/** The house rules are unit tests as well: tidy.test.ts. */
const steps: readonly Step[] = [
  { name: 'format and lint', command: [`${bin}/biome`, 'check', '.'] },
  { name: 'types', command: [`${bin}/tsc`, '-b'] },
  {
    name: 'unit tests, house rules',
    command: [process.execPath, 'tools/test.ts', '--unit', '--changed'],
  },
]

const started = performance.now()
const results = await Promise.all(steps.map(check))
console.log(`${results.every(Boolean) ? 'ok' : 'FAILED'}  check in ${secondsSince(started)} s`)
process.exitCode = results.every(Boolean) ? 0 : 1

async function check({ name, command }: Step): Promise<boolean> {
  const start = performance.now()
  const [program, ...args] = command
  const child = spawn(program, args, { cwd: home, stdio: ['ignore', 'pipe', 'pipe'] })
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const [code, ...output] = await Promise.all([exit, text(child.stdout), text(child.stderr)])
  if (code !== 0) console.log(output.join('').trimEnd())
  console.log(`${code === 0 ? 'ok' : 'FAILED'}  ${name}: ${secondsSince(start)} s`)
  return code === 0
}

function secondsSince(start: number): string {
  return ((performance.now() - start) / 1000).toFixed(1)
}
