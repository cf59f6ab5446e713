// What a probe is: one entry of registry.ts. Build, layouts, doctor, kernel tests, the reference page, the agent's
// drain and its ledger iterate these entries, so that none of them knows a probe's name.

import type { ProgramUse } from '../loader/program-use.ts'
import type { Condition } from './conditions.ts'
import type { ProgramReport } from './report.ts'

/** One program of a probe, and where it runs. */
export interface HookSpec {
  /** Name of the C function. */
  readonly program: string
  /** The kernel hook in libbpf's words: `tp_btf/inet_sock_set_state`. */
  readonly hook: string
  /** Names that the kernel's type information must all have. Never a version. */
  readonly needs: readonly string[]
  /** For people: the first kernel that has them. */
  readonly since: string
  /** What some kernels have and do not allow, if it is such a thing: `iterators over maps`. */
  readonly allowed?: string
  /** What the program is for, in a few words. */
  readonly use: string
  /** What is used instead on a kernel that lacks it. Without it the probe cannot run there. */
  readonly instead?: string
  /** A program that does the same better; where that one is loaded this one is not. */
  readonly betterBy?: string
}

/** A kernel on which the probe runs and measures less. The first one that applies is shown. */
export interface DegradedSpec {
  /** It applies where the type information lacks any of these names, or the kernel refuses it. */
  readonly without: readonly string[]
  /** It does not apply where all of these are there. */
  readonly unless?: readonly string[]
  readonly why: string
  readonly remedy: string
}

/**
 * What a counter of a probe says in the loss ledger, stage `hook`: `entered` what the programs saw; `filtered` of
 * that; `sampled` of that, left out by sampling; `ring` of that, put where the agent reads it (a ring, a table); `left`
 * of that, read, for probes whose records stand for several; `lost` of that, by `cause`; `noted` of what is left, a part
 * by `cause`; `detail` is shown and not summed.
 */
export type CounterMeaning =
  | 'entered'
  | 'filtered'
  | 'sampled'
  | 'ring'
  | 'left'
  | 'lost'
  | 'noted'
  | 'detail'

export interface CounterSpec {
  readonly means: readonly CounterMeaning[]
  /** A word of the ledger; of `lost` by default: the ring was full. */
  readonly cause?:
    | 'map_full'
    | 'interrupted'
    | 'interface_unseen'
    | 'xdp_dropped'
    | 'dropped_behind'
  readonly help: string
}

/** What the layout generator takes from the BTF of the object. */
export interface RecordSpec {
  /** The C structure of a record. */
  readonly struct: string
  /** Where the structure is declared, from the top of the repository. */
  readonly header: string
  /** Prefix of the generated names: `socket` gives socketRecordBytes. */
  readonly prefix: string
  /** Generated file below kernel/layout/. */
  readonly layout: string
  /** Enumerations of its members. */
  readonly enums: readonly EnumSpec[]
  /** The C enumeration of the counters, in the order of the map, and where it is declared. */
  readonly counters: { readonly enum: string; readonly name: string; readonly header: string }
}

export interface EnumSpec {
  /** Generated name. */
  readonly name: string
  /** C name. */
  readonly type: string
  /** What is cut from the constants. */
  readonly cut: string
  readonly help: string
}

/** Of a probe whose records are events as they stand: each becomes one row of the table of events. */
export interface EventSpec {
  /** A kind of wire/model/event-kinds.ts. */
  readonly kind: string
  readonly recordBytes: number
  /** By field of that table: where the record has it. Node, kind and count are there already. */
  readonly fields: Readonly<Record<string, RecordMember>>
}

/**
 * An octet of the record, where the kind of the field says how many follow: a time is a u64 of nanoseconds since the
 * boot, a name 16 octets. Or a u32 that stands for a word.
 */
export type RecordMember = number | { readonly at: number; readonly words: readonly string[] }

/** What every probe takes; what is only one probe's own has a default in it. */
export interface ProbeOptions {
  /** Inode of the only network namespace to look at; 0 or absent = all. */
  readonly netns?: number
  /** Id of the only cgroup2 to look at, with all below it; 0 or absent = all. */
  readonly cgroupId?: bigint
  /** Only connections with one of these ports at either end: at most eight; absent or none = all. */
  readonly ports?: readonly number[]
  /** Only sockets of this process: its id as the host counts it. */
  readonly pid?: number
  /** Only sockets of processes of this name (comm: 15 octets). */
  readonly processName?: string
  /** Only connections whose two ends together meet all of these: for the socket probe, at most `conditionsMax`. */
  readonly conditions?: readonly Condition[]
  /** Only packets that meet all of these: for the drop probe, at most `conditionsMax`. */
  readonly packetConditions?: readonly Condition[]
  /** Size of the ring in octets: a power of two of at least one page. Default: the probe's own. */
  readonly ringBytes?: number
  /** For the flow probe: names, globs, `all`, `!NAME` to leave out. */
  readonly interfaces?: readonly string[]
  /** How it gets at packets; `auto` takes the first that is here, in the order of `hookChoices`. */
  readonly hook?: HookChoice
  /** One packet in so many is counted; 1 or absent = all. */
  readonly sample?: number
  /** Flows that each of the two maps has room for. */
  readonly flowsMax?: number
  /** For the XDP probe, which is opened only with it. */
  readonly xdp?: XdpWatch
}

/** Interfaces whose packets the XDP probe reports, and which of them. */
export interface XdpWatch {
  /** `netns` is a file that stands for a network namespace; default: that of the process. */
  readonly interfaces: readonly { readonly name: string; readonly netns?: string }[]
  /** Folder of the pins: what is attached there already is read, not attached twice. */
  readonly root: string
  /** `labelled` and `dropped` are by rules. */
  readonly want: 'all' | 'labelled' | 'dropped'
  /** One packet in so many, at random. */
  readonly every: number
  /** Octets of each packet, from the Ethernet header on: 0 to 2048. */
  readonly snap: number
  /** At most two protocol numbers; none is all. */
  readonly protocols: readonly number[]
  /** Only packets with this label; 0 = whatever they have. */
  readonly label: number
}

/** Ways to the packets of an interface. */
export const hookChoices = ['auto', 'tcx', 'clsact', 'socket-filter'] as const
export type HookChoice = (typeof hookChoices)[number]

/**
 * Gets one record, laid out as kernel/layout/ says. `words` and `octets` are two views of the same memory;
 * `wordOffset` is where the record begins in `words`, `wordOffset * 4` in `octets`. Valid during the call only:
 * the kernel overwrites it afterwards. Never write to it (the mapping is read-only: SIGSEGV).
 */
export type RecordSink = (words: Uint32Array, octets: Uint8Array, wordOffset: number) => void

/** A loaded and attached probe. Synchronous; belongs to the thread that opened it. */
export interface OpenProbe {
  /** Its name in the registry. */
  readonly name: string
  readonly programs: readonly ProgramReport[]
  /** Octets of one record, in the ring and in dumps; whole u32 words. */
  readonly recordBytes: number
  /** How many records the ring holds before the next one is lost. */
  readonly ringRecords: number
  /**
   * Hands the records in the ring to `sink` in their order, at most `max` of them (default: all that are there).
   * Returns how many. If the sink throws, the record that it was given is consumed like those before it.
   */
  drain(sink: RecordSink, max?: number): number
  /** What lives, for probes of things that live: see `Living`. */
  readonly living?: Living
  /**
   * For probes whose records stand for several packets: for how many these do. Those that its counters have as lost
   * (packets that found no room, reported by reason alone) are not among them.
   */
  packets?(records: Uint8Array): number
  /** Interfaces that it watches or has watched, for probes that do. */
  interfaces?(): readonly WatchedInterface[]
  /** What the programs counted since the probe was opened, all CPUs together. */
  counters(): Readonly<Record<string, number>>
  /** What its loaded programs have cost until now, by name. */
  use(): ReadonlyMap<string, ProgramUse>
  /** Detaches and unloads everything; idempotent. */
  close(): void
}

/** An interface by the index that records have. */
export interface WatchedInterface {
  /** 0 when it is not watched. */
  readonly index: number
  readonly name: string
  /** Why it is not watched; '' when it is. */
  readonly refused: string
  /** The kind of hook that sees its packets; '' when it is not watched. */
  readonly hook?: string
  /** Of probes that can see one packet at several interfaces. */
  readonly links?: InterfaceLinks
}

/** How an interface is connected to others of its namespace, by their indexes. */
export interface InterfaceLinks {
  /** What comes in by these may come up through it: ports of a bridge or bond, what is under a VLAN; all the way down. */
  readonly below: readonly number[]
  /** The other end of its cable in this namespace, of `lo` itself; 0 = none. */
  readonly peer: number
  /** A number for the namespace in which its other end is; −1 = none. */
  readonly away: number
  /** The bridge of which it is a port; 0 = none. One packet may leave by several of its ports. */
  readonly bridge: number
}

/** Records of what is there now, on demand. */
export interface Living {
  /**
   * Everything that lives, once, as whole records. `onlyChanges` leaves out what is as a dump has shown it. The
   * buffer is reused by the next dump.
   */
  dump(options?: { readonly onlyChanges?: boolean }): Uint8Array
  /** Whether `dump` shows what no process holds too, once `dumpNamespace` has met it. */
  readonly seesUnheld: boolean
  /** What lives in one network namespace, held or not. Moves the thread there and back: worker threads only. */
  dumpNamespace(netnsPath: string): Uint8Array
}

/** One probe: a folder `kernel/probes/NAME/` with NAME.bpf.c, and this entry. */
export interface ProbeSpec {
  readonly name: string
  /** One sentence: what it shows. */
  readonly summary: string
  /** Opened without being asked for. */
  readonly default: boolean
  /** Of one that is not: whether these options ask for it. */
  readonly isAskedFor?: (options: ProbeOptions) => boolean
  /** What its counters count; records when left out. */
  readonly unit?: 'packets'
  /** What the drain counts of its records; records when left out, else by `packets` of the open probe. */
  readonly drainUnit?: 'packets'
  readonly hooks: readonly HookSpec[]
  readonly degraded: readonly DegradedSpec[]
  readonly records: RecordSpec
  /** Without it the agent has a stage of its own for its records. */
  readonly events?: EventSpec
  /** Maps by name: what each holds. */
  readonly maps: Readonly<Record<string, string>>
  readonly counters: Readonly<Record<string, CounterSpec>>
  /**
   * Loads and attaches; throws AppError, and leaves nothing behind then. The code is imported when it is asked for:
   * building an object and generating its layout need the entry before that code can be imported.
   */
  open(options: ProbeOptions): Promise<OpenProbe>
}

/** All names by which the kernel's type information decides which programs are loaded. */
export function featuresOf({ hooks, degraded }: Pick<ProbeSpec, 'hooks' | 'degraded'>) {
  const needed = hooks.flatMap(({ needs }) => needs)
  return [...new Set([...needed, ...degraded.flatMap(({ without }) => without)])]
}

/** Programs that are not loaded on a kernel with these names, each with the reason. */
export function absentPrograms(
  hooks: readonly HookSpec[],
  names: ReadonlySet<string>,
): ReadonlyMap<string, string> {
  const absent = new Map<string, string>()
  for (const hook of hooks) {
    const { program, betterBy } = hook
    if (!isHere(hook, names)) absent.set(program, withoutHook(hook))
    else if (isReplaced(hook, hooks, names)) absent.set(program, `${betterBy} does the same faster`)
  }
  return absent
}

function isHere({ needs }: HookSpec, names: ReadonlySet<string>): boolean {
  return needs.every((name) => names.has(name))
}

/** A program that does the same better is loaded instead. */
export function isReplaced(
  { betterBy }: HookSpec,
  hooks: readonly HookSpec[],
  names: ReadonlySet<string>,
): boolean {
  return hooks.some((hook) => hook.program === betterBy && isHere(hook, names))
}

/** What is said of a hook that the kernel lacks. */
export function withoutHook({ since, allowed, instead }: HookSpec): string {
  const needs = `needs Linux ${since}${allowed === undefined ? '' : ` that allows ${allowed}`}`
  return instead === undefined ? needs : `${needs}; else ${instead}`
}
