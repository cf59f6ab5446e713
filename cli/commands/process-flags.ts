// Flags that the commands which start processes share.

import { cgroupOf, netnsOf } from '../parse/scope.ts'
import type { Flag, Values } from './command.ts'

export const dataFlag: Flag = {
  name: 'data',
  kind: 'text',
  metavar: 'DIR',
  default: '/var/lib/weir',
  env: 'WEIR_DATA',
  help: 'Folder for everything that must outlive the process.',
}

export const listenFlag: Flag = {
  name: 'listen',
  kind: 'endpoint',
  metavar: 'ADDR:PORT',
  default: '127.0.0.1:8080',
  env: 'WEIR_LISTEN',
  help: 'Where the page and the API are; port 0 is any free one.',
}

export const intervalFlag: Flag = {
  name: 'interval',
  kind: 'duration',
  metavar: 'TIME',
  default: '5s',
  min: 100,
  max: 600_000,
  env: 'WEIR_INTERVAL',
  help: 'How much time one row of a connection covers, from 100ms to 10m.',
}

export const nodeFlag: Flag = {
  name: 'node',
  kind: 'text',
  metavar: 'NAME',
  env: 'WEIR_NODE',
  envFallback: 'NODE_NAME',
  help: "Name of this host in rows; by default NODE_NAME, then the host's own name.",
}

/** What the kernel leaves out, counted as filtered. */
export const scopeFlags: readonly Flag[] = [
  {
    name: 'netns',
    kind: 'text',
    metavar: 'PATH|INODE',
    help: 'Only sockets of this network namespace.',
  },
  {
    name: 'cgroup',
    kind: 'text',
    metavar: 'PATH|ID',
    help: 'Only sockets of this cgroup and those below it.',
  },
]

/** What those flags of `command` name. Throws AppError bad_value. */
export function scopeOf(command: string, values: Values): { netns?: number; cgroupId?: bigint } {
  const netns = values.text('netns')
  const cgroup = values.text('cgroup')
  return {
    ...(netns === undefined ? {} : { netns: netnsOf(command, netns) }),
    ...(cgroup === undefined ? {} : { cgroupId: cgroupOf(command, cgroup) }),
  }
}
