// What the commands about XDP have in common: where the interface is, and who attaches. The kernel's part is loaded
// when a command runs, not with the command line.

import type { xdp } from '../../agent/mod.ts'
import { cliError } from '../errors.ts'
import type { Flag, Values } from './command.ts'
import { pinRootFlag } from './packet-flags.ts'

export type Kernel = typeof xdp

export const placeFlags: readonly Flag[] = [
  {
    name: 'interface',
    short: 'i',
    kind: 'text',
    metavar: 'NAME',
    env: 'INTERFACE_NAME',
    help: 'The network interface.',
  },
  {
    name: 'netns',
    kind: 'text',
    metavar: 'PATH|INODE',
    help: 'A file that stands for its network namespace: /run/netns/NAME; the number in weir xdp status of one that has gone.',
  },
  {
    name: 'netns-pid',
    short: 'n',
    kind: 'number',
    min: 1,
    metavar: 'PID',
    help: 'The network namespace of this process.',
  },
  pinRootFlag,
]

/** Loads the part of Weir that speaks to the kernel. */
export async function openKernel(): Promise<Kernel> {
  return (await import('../../agent/mod.ts')).xdp
}

/** The interface of a command. Throws `bad_flag` if none is named. */
export function targetOf(values: Values) {
  const name = values.text('interface')
  if (name === undefined) {
    const hint = 'name one: -i eth0; ip link lists them'
    throw cliError('bad_flag', { details: { name: '--interface', reason: 'is missing', hint } })
  }
  const netns = netnsOf(values)
  return { interface: name, root: rootOf(values), ...(netns !== undefined && { netns }) }
}

export function rootOf(values: Values): string {
  return values.text('pin-root') ?? ''
}

function netnsOf(values: Values): string | undefined {
  const pid = values.number('netns-pid')
  return pid === undefined ? values.text('netns') : `/proc/${pid}/ns/net`
}
