// What the socket probe offers to the agent: closed records from its ring, live ones on demand.

import type { counterNames } from '../../layout/socket-record.ts'
import type { ProgramReport } from '../report.ts'

export interface SocketProbeOptions {
  /** Inode of the only network namespace to look at; 0 or absent = all. */
  readonly netns?: number
  /** Id of the only cgroup2 to look at, with all below it; 0 or absent = all. */
  readonly cgroupId?: bigint
  /** Size of the ring in octets: a power of two of at least one page. Default 4 MiB. */
  readonly ringBytes?: number
}

/**
 * Gets one record, laid out as `socketRecord` says. `words` and `octets` are two views of the same memory;
 * `wordOffset` is where the record begins in `words`, `wordOffset * 4` in `octets`. Valid during the call only:
 * the kernel overwrites it afterwards. Never write to it (the mapping is read-only: SIGSEGV).
 */
export type RecordSink = (words: Uint32Array, octets: Uint8Array, wordOffset: number) => void

/**
 * What the programs counted since the probe was opened, all CPUs together. Of ended sockets:
 * `seen` = `filtered` + `closed` (into the ring) + `lost_ring` (ring full); `mended` of them were told a moment late, because
 * the kernel left out the program that tells ends. `lost_storage`: begin and owner of a
 * socket could not be kept (its record comes all the same). `dumped`, `dump_filtered`: live records and what
 * the filters left out of dumps.
 */
export type CounterName = (typeof counterNames)[number]

/** A loaded and attached socket probe. Synchronous; belongs to the thread that opened it. */
export interface SocketProbe {
  readonly programs: readonly ProgramReport[]
  /** How many closed sockets the ring holds before the next one is lost. */
  readonly ringRecords: number
  /**
   * Hands the closed sockets in the ring to `sink`, in the order of their ends, at most `max` of them
   * (default: all that are there). Returns how many. If the sink throws, the record
   * that it was given is consumed like those before it.
   */
  drain(sink: RecordSink, max?: number): number
  /**
   * Every TCP socket of the host, once, in all network namespaces, as whole records. The owner is the process that used
   * it last, else the first that holds it; FLAG_SHARED = another process holds it too. `onlyChanges` leaves out sockets of
   * which no segment came or went, and that nobody else used, since a dump showed them: what is not there may live. The
   * first dump, each whole one, and all on kernels without sock_send_length also walk over all descriptors, to find who
   * holds what. The buffer is reused by the next dump.
   */
  dump(options?: { readonly onlyChanges?: boolean }): Uint8Array
  /**
   * Whether `dump` shows sockets without a descriptor too (5.11 and later), those older than the probe once
   * `dumpNamespace` has met them.
   */
  readonly seesUnheld: boolean
  /**
   * The TCP sockets of one network namespace, those without a descriptor included. Moves the thread there and
   * back, so: worker threads only. The buffer is reused by the next one.
   */
  dumpNamespace(netnsPath: string): Uint8Array
  counters(): Readonly<Record<CounterName, number>>
  /** Detaches and unloads everything; idempotent. */
  close(): void
}
