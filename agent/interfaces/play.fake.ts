// Intervals of interfaces without a kernel: records in, rows out.

import assert from 'node:assert/strict'
import type { WatchedInterface } from '../../kernel/mod.ts'
import { type Row, rowOf } from '../../wire/mod.ts'
import { momentOf } from '../rows/moment.ts'
import { bootToWallNs, fakeAgent, hour, second } from '../tcp/fake.ts'
import { type FakePassage, fakeInterfaces, fakePassages } from './fake.ts'
import { createInterfaces, type InterfacesOptions } from './interfaces.ts'

/** Gives the rows of one interval of 5 s, or of one that ends later. */
export type Step = (passages: readonly FakePassage[], atNs?: number) => Row[]

const usual = fakeInterfaces(['', 'lo', 'veth1', 'br0', 'eth0', 'eth1'])

export function play(
  options: Partial<InterfacesOptions> = {},
  agent = fakeAgent(),
  known: readonly WatchedInterface[] = usual,
): Step {
  const { state, cgroups } = agent.enrich
  const interfaces = createInterfaces({ node: 'n', state, cgroups, ...options })
  interfaces.know(known)
  let clock = hour

  return (passages, atNs = clock + 5 * second) => {
    clock = atNs
    interfaces.take(fakePassages(passages), passages.length)
    const nowMs = Number((BigInt(clock) + bootToWallNs) / 1_000_000n)
    const rows: Row[] = []
    interfaces.report(momentOf(nowMs, { bootToWallNs, intervalMs: 5000 }), (batch) => {
      for (let row = 0; row < batch.length; row++) rows.push(rowOf(batch, row))
    })
    const { due, rows: left, records } = interfaces.takeCounts()
    assert.deepEqual([due, left, records], [rows.length, rows.length, passages.length])
    return rows
  }
}

export const pick = (row: Row | undefined, ...fields: string[]) => fields.map((name) => row?.[name])

/** Packets of both ways. */
export function packetsOf(rows: readonly Row[]): number {
  return rows.reduce((all, row) => all + Number(row['packets']) + Number(row['reverse_packets']), 0)
}
