// Reasons for drops that two namespaces can be made to give: how, what the record must say, and who else counts.

import type { DropRecord } from './drop-record.ts'

/** One way to make the kernel drop packets for one reason. */
export interface Provoked {
  /** The kernel's name, without SKB_DROP_REASON_. */
  readonly reason: string
  /** How, where a reason has several ways. */
  readonly way?: string
  /** Where the packets are dropped. */
  readonly side: 'near' | 'far'
  /** Python, in the near namespace, with frames.py. */
  readonly by: readonly string[]
  /** What each record says, and no other record of the same reason. */
  readonly says: Partial<DropRecord>
  /** The kernel's own counter of that side; without it the script prints how many they are. */
  readonly counter?: string
  /** The first kernel that is known to give the reason here: older ones may know its name; 6.18 when left out. */
  readonly since?: readonly [number, number]
}

export const near = '10.77.0.1'
export const far = '10.77.0.2'
/** In the words of the records. */
export const near6 = 'fd77:0:0:0:0:0:0:1'
export const far6 = 'fd77:0:0:0:0:0:0:2'
export const there = { source: near, destination: far, interface: 'far0' } as const
