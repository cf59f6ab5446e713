// The limits of the shell that a process starts under (ulimit). Too low ones end it at once with one line: later
// they would show as a stack trace of somebody's library, or as rows that are never stored.

import { readFileSync } from 'node:fs'
import { cliError } from '../errors.ts'

interface Need {
  /** As /proc/PID/limits names it. */
  readonly name: string
  readonly what: string
  readonly least: number
  /** How to raise it in a shell, and as a directive of systemd. */
  readonly shell: string
  readonly directive: string
}

const needs: readonly Need[] = [
  {
    name: 'Max open files',
    what: 'open files',
    least: 1024,
    shell: 'ulimit -n 65536',
    directive: 'LimitNOFILE=65536',
  },
  {
    // Reserved, not used: the engine maps 3 GB and each thread of the runtime reserves its own.
    name: 'Max address space',
    what: 'bytes of address space',
    least: 16_000_000_000,
    shell: 'ulimit -v unlimited',
    directive: 'LimitAS=infinity',
  },
]

/** Throws AppError limit_too_low. The runtime has raised its soft limit of files to the hard one already. */
export function checkLimits(text: string = readFileSync('/proc/self/limits', 'utf8')): void {
  for (const { name, what, least, shell, directive } of needs) {
    const limit = new RegExp(`^${name} +(\\d+) `, 'm').exec(text)?.[1]
    if (limit === undefined || Number(limit) >= least) continue
    throw cliError('limit_too_low', {
      details: { what, limit: Number(limit), least, shell, directive },
    })
  }
}
