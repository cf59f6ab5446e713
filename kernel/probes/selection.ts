// The settings of kernel/include/selection.h: which sockets the programs of a probe look at.

import { fail } from '../loader/errors.ts'
import type { ProbeOptions } from './spec.ts'

/** Ports that the programs can compare with. */
export const portsMax = 8
/** Octets of a name of a task, the end included. */
const commOctets = 16

/** Throws AppError selection_too_large: more ports, or a longer name, than the programs hold. */
export function selectionSettings(options: ProbeOptions): Readonly<Record<string, bigint>> {
  const { netns = 0, cgroupId = 0n, ports = [], pid = 0, processName = '' } = options
  if (ports.length > portsMax) {
    throw fail('selection_too_large', {
      details: { what: `${ports.length} ports`, most: portsMax },
    })
  }
  const name = Buffer.alloc(commOctets)
  if (Buffer.byteLength(processName) >= commOctets) {
    const what = `the process name ${processName}`
    throw fail('selection_too_large', { details: { what, most: `${commOctets - 1} octets` } })
  }
  name.write(processName)
  const mask = Buffer.alloc(commOctets)
  mask.fill(0xff, 0, processName === '' ? 0 : Buffer.byteLength(processName) + 1)
  const [low = 0n, high = 0n] = [ports.slice(0, 4), ports.slice(4)].map((four) =>
    four.reduce((word, port, index) => word | (BigInt(port) << BigInt(16 * index)), 0n),
  )
  return {
    only_netns: BigInt(netns),
    only_cgroup: cgroupId,
    only_ports_low: low,
    only_ports_high: high,
    only_tgid: BigInt(pid),
    only_comm_low: name.readBigUInt64LE(0),
    only_comm_high: name.readBigUInt64LE(8),
    comm_mask_low: mask.readBigUInt64LE(0),
    comm_mask_high: mask.readBigUInt64LE(8),
  }
}
