// What to try first: commands that work on this machine now.

import { dirname, resolve } from 'node:path'
import { findRunning } from '../source/running.ts'
import type { Example, Terminal } from './command.ts'

/** What `weir` alone suggests: three commands that work here and now, typed as this shell finds them. */
export function firstExamples({ program, runtimeFolders }: Terminal): readonly Example[] {
  const isRoot = process.getuid?.() === 0
  if (findRunning(runtimeFolders).length > 0) return examplesOf(program, withServer)
  return examplesOf(isRoot ? program : `sudo ${program}`, alone)
}

/** What to try once `weir up` runs. */
const withServer: readonly Example[] = [
  { command: 'flows -f', what: 'every connection of this host, as it is reported' },
  { command: 'top --for 1m', what: 'who moved the most in the last minute' },
  { command: 'flows --for 1h --end-reason refused', what: 'connects that were refused, and whose' },
]

const alone: readonly Example[] = [
  { command: 'up', what: 'measure this host, and open the page that it prints' },
  { command: 'flows --local', what: 'connections of the last 2 s, without a server' },
  { command: 'doctor', what: 'what this kernel allows, and what is missing' },
]

/** The same with the program before them. */
function examplesOf(program: string, examples: readonly Example[]): readonly Example[] {
  return examples.map(({ command, what }) => ({ command: `${program} ${command}`, what }))
}

/** What a person can type now, in another terminal; first how `weir` is found there, unless it is. */
export function nextSteps(program: string): readonly string[] {
  const examples = examplesOf('weir', withServer)
  const width = Math.max(...examples.map(({ command }) => command.length))
  const lines = examples.map(({ command, what }) => `  ${command.padEnd(width)}  ${what}`)
  const path = program === 'weir' ? [] : [`  export PATH="${dirname(resolve(program))}:$PATH"`]
  return ['In another terminal:', ...path, ...lines]
}
