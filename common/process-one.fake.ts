// A kernel that Weir was tested on runs no tracing program while process 1 is current, gives perf nothing then, and
// counts neither. What a segment or a timer does that comes at such a moment (ends a connection, is sent again, gives up a
// neighbour) is reported by nobody. Ordinary kernels do not do this.

import { readdirSync, readFileSync } from 'node:fs'

const triesMax = 3

/** Does again what came out wrong while process 1 ran, at most three times in all; what fails otherwise has failed. */
export async function besideProcessOne<T>(attempt: () => T | Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    const before = runsOfProcessOne()
    try {
      return await attempt()
    } catch (error) {
      if (tries === triesMax || runsOfProcessOne() === before) throw error
      process.stderr.write(`once more, process 1 ran meanwhile: ${(error as Error).message}\n`)
    }
  }
}

/** Another text whenever process 1 has run: time on a CPU, time waited and turns of each of its threads. */
function runsOfProcessOne(): string {
  return readdirSync('/proc/1/task').map(runsOfThread).join('')
}

function runsOfThread(thread: string): string {
  try {
    return `${thread} ${readFileSync(`/proc/1/task/${thread}/schedstat`, 'utf8')}`
  } catch {
    return '' // It has ended, or the kernel keeps no such numbers.
  }
}
