// What a case knows of one connection it made, in the names of a flow row: the truth the tests compare with.

import type { Lab } from './lab.ts'

/** One connection, or one attempt that failed. Counters are application octets. */
export interface Connection {
  readonly case: string
  readonly src_address: string
  readonly src_port: number
  readonly dst_address: string
  readonly dst_port: number
  readonly bytes: number
  readonly reverse_bytes: number
  readonly src_pid: number
  readonly dst_pid: number
  readonly src_process: string
  readonly dst_process: string
  readonly end_reason: string
  readonly errno: string
}

/** One kind of traffic. `begin` makes what is there before anybody watches, the function it gives does the rest. */
export interface Case {
  readonly name: string
  /** How many namespaces in a chain it plays in. */
  readonly namespaces: number
  begin(lab: Lab): Promise<() => Promise<readonly Connection[]>>
}
