// What --netns and --cgroup name: a path or the kernel's own number.

import { statSync } from 'node:fs'
import { cliError } from '../errors.ts'

/** `/run/netns/blue` or `4026531840` → inode of the network namespace. Throws AppError bad_value. */
export function netnsOf(command: string, text: string, flag = '--netns'): number {
  return Number(inode(command, flag, text))
}

/** `/sys/fs/cgroup/system.slice` or `1234` → cgroup id. Throws AppError bad_value. */
export function cgroupOf(command: string, text: string, flag = '--cgroup'): bigint {
  return inode(command, flag, text)
}

function inode(command: string, name: string, text: string): bigint {
  if (/^\d+$/.test(text)) return BigInt(text)
  try {
    return statSync(text, { bigint: true }).ino
  } catch {
    const expected = `a number, or a path that exists, for example ${exampleOf(name)}`
    throw cliError('bad_value', { details: { command, name, value: text, expected } })
  }
}

function exampleOf(name: string): string {
  return name.endsWith('netns') ? '/proc/self/ns/net' : '/sys/fs/cgroup/system.slice'
}
