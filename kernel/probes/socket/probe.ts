// What the socket probe offers to the agent: closed records from its ring, live ones on demand.

import type { counterNames } from '../../layout/socket-record.ts'
import type { Living, OpenProbe } from '../spec.ts'

/**
 * What the programs counted since the probe was opened, all CPUs together. Of ended sockets:
 * `seen` = `filtered` + `closed` (into the ring) + `lost_ring` (ring full); `recovered` of them were reported a moment late, because
 * the kernel left out the program that reports ends. `lost_storage`: begin and owner of a
 * socket could not be kept (its record comes all the same). `dumped`, `dump_filtered`: live records and what
 * the filters left out of dumps. `conditions_full`: sockets that passed the conditions unseen, since their table was full.
 * `unreported`: ends that no program has reported; dumps did not find the sockets any more.
 */
export type CounterName = (typeof counterNames)[number]

/** A loaded and attached socket probe: closed sockets come through its ring, `dump` shows those that live. */
export interface SocketProbe extends OpenProbe, Living {
  readonly living: Living
  /**
   * Every TCP socket of the host, in all network namespaces. The owner is the process that used it last, else the
   * first that holds it; FLAG_SHARED = another process holds it too. `onlyChanges` leaves out sockets of which no
   * segment came or went, and that nobody else used, since a dump showed them. The first dump, each whole one, and
   * all on kernels without sock_send_length also walk over all descriptors, to find who holds what.
   */
  dump(options?: { readonly onlyChanges?: boolean }): Uint8Array
  counters(): Readonly<Record<CounterName, number>>
}
