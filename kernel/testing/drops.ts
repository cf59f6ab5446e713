// What a piece of Python makes the kernel drop in the namespaces of a pair, and what else counts it.

import { fileURLToPath } from 'node:url'
import { type DropProbe, openDropProbe } from '../probes/drop/drop.ts'
import type { ProbeOptions } from '../probes/spec.ts'
import { countersOfOneInstant } from './counters.ts'
import { type DropRecord, readDrops } from './drop-record.ts'
import type { Pair } from './pair.ts'

type Side = Pair['near']

const folder = fileURLToPath(new URL('.', import.meta.url))

/** Runs in the near namespace of the pair, with all of frames.py; gives what it prints. */
export function runPython({ near, far }: Pair, lines: readonly string[]): string {
  const begin = [
    'import os, sys',
    `sys.dont_write_bytecode = True; sys.path.insert(0, '${folder}')`,
    `os.environ['FAR_PATH'] = '${far.path}'`,
    'from frames import *',
  ]
  return near.run('/usr/bin/python3', '-c', [...begin, ...lines].join('\n'))
}

export interface DropsSeen {
  readonly records: readonly DropRecord[]
  readonly counters: ReturnType<DropProbe['counters']>
  /** What the records stand for, as the ledger counts it. */
  readonly packets: number
}

export interface DropsOptions extends ProbeOptions {
  readonly entriesMax?: number
}

/** What one piece of work drops. It is over when `isEnough` says so, at the latest after half a minute. */
export function dropsOf(
  options: DropsOptions,
  work: (probe: DropProbe) => void,
  isEnough: (records: readonly DropRecord[]) => boolean = () => true,
): DropsSeen {
  const probe = openDropProbe(options)
  try {
    return dropsSeen(probe, work, isEnough)
  } finally {
    probe.close()
  }
}

/** The same with a probe that is open, and stays so. */
export function dropsSeen(
  probe: DropProbe,
  work: (probe: DropProbe) => void,
  isEnough: (records: readonly DropRecord[]) => boolean = () => true,
): DropsSeen {
  probe.dump()
  work(probe)
  const records: DropRecord[] = []
  const endMs = Date.now() + 30_000
  let packets = 0
  do {
    const dump = new Uint8Array(probe.dump())
    packets += probe.packets?.(dump) ?? 0
    records.push(...readDrops(dump))
  } while (!isEnough(records) && Date.now() < endMs)
  const counters = countersOfOneInstant(
    () => probe.counters(),
    ({ seen, filtered, recorded, map_full: full }) => seen === filtered + recorded + full,
  )
  return { records, packets, counters }
}

export const sumOf = (records: readonly DropRecord[], member: 'count' | 'bytes'): number =>
  records.reduce((sum, record) => sum + record[member], 0)

/** Where the kernel itself counts: `Udp.NoPorts` of /proc/net/snmp, TcpExt and IpExt of netstat, `Udp6NoPorts` of snmp6. */
export function kernelCounter(side: Side, name: string): number {
  const [group = '', field = ''] = name.split('.')
  if (field === '') {
    const line = side.run('cat', '/proc/net/snmp6').match(new RegExp(`^${name}\\s+(\\d+)`, 'm'))
    if (!line) throw new Error(`no counter ${name}`)
    return Number(line[1])
  }
  const file = group.endsWith('Ext') ? 'netstat' : 'snmp'
  const lines = side.run('cat', `/proc/net/${file}`).split('\n')
  const [names = [], values = []] = lines
    .filter((line) => line.startsWith(`${group}:`))
    .map((line) => line.split(' '))
  const index = names.indexOf(field)
  if (index < 0) throw new Error(`no counter ${name}`)
  return Number(values[index])
}

/** A rule of nftables that drops, in an own chain on this hook. */
export interface DropRule {
  /** What nftables has dropped. */
  count(): { readonly packets: number; readonly bytes: number }
  remove(): void
}

/** `hook` is one of the family inet, or `ingress device "far0"` and the like of netdev. */
export function dropRule(side: Side, hook: string, match: string): DropRule {
  const family = hook.startsWith('ingress') ? 'netdev' : 'inet'
  side.run('nft', `add table ${family} weir_drop`)
  side.run('nft', `add chain ${family} weir_drop here { type filter hook ${hook} priority 0; }`)
  side.run('nft', `add rule ${family} weir_drop here ${match} counter drop`)
  return {
    count: () => {
      const text = side.run('nft', `list chain ${family} weir_drop here`)
      const [, packets, bytes] = /counter packets (\d+) bytes (\d+) drop/.exec(text) ?? []
      return { packets: Number(packets), bytes: Number(bytes) }
    },
    remove: () => side.run('nft', `delete table ${family} weir_drop`),
  }
}
