// What Weir says each connection carried, to be held against a program's own books.

import assert from 'node:assert/strict'
import { assertNoLoss, inodesOf } from '../e2e/compare.ts'
import type { JsonRow, Query, River } from '../river.ts'
import { type Lab, until } from '../traffic/mod.ts'

/** All rows of one connection, added up. */
export interface Carried {
  readonly src_port: number
  readonly src_pid: number
  readonly dst_pid: number
  readonly src_process: string
  readonly dst_process: string
  /** How the responder's process was found: `listener` is nobody that has read, written or closed. */
  readonly dst_process_source: string
  readonly bytes: number
  readonly reverse_bytes: number
  readonly opened: number
  readonly ends: number
}

/** Connections of a lab, once `count` of them have ended; fewer if they do not come: the caller can tell which. */
export async function carriedIn(
  river: River,
  lab: Lab,
  query: Query,
  count: () => number,
): Promise<readonly Carried[]> {
  let carried: readonly Carried[] = []
  await until('every ended connection', async () => {
    carried = connectionsOf(await river.flows({ netns: inodesOf(lab), from: '-15m', ...query }))
    return carried.filter(({ ends }) => ends > 0).length >= count()
  }).catch(() => {})
  return carried
}

function connectionsOf(rows: readonly JsonRow[]): readonly Carried[] {
  return [...Map.groupBy(rows, (row) => row['connection_id'])].map(([, story]) => {
    const last = story.at(-1)!
    const sum = (name: string) => story.reduce((all, row) => all + Number(row[name]), 0)
    return {
      src_port: Number(last['src_port']),
      src_pid: Number(last['src_pid']),
      dst_pid: Number(last['dst_pid']),
      src_process: String(last['src_process']),
      dst_process: String(last['dst_process']),
      dst_process_source: String(last['dst_process_source']),
      bytes: sum('bytes'),
      reverse_bytes: sum('reverse_bytes'),
      opened: sum('opened'),
      ends: story.filter((row) => row['end'] !== null).length,
    }
  })
}

/** Each connection of the books once, with the values that the books have, and no other. */
export function assertBooks(carried: readonly Carried[], books: readonly Partial<Carried>[]): void {
  const names = Object.keys(books[0] ?? {}) as (keyof Carried)[]
  const tuple = (one: Partial<Carried>) => names.map((name) => `${name} ${one[name]}`).join(', ')
  const [seen, booked] = [carried.map(tuple).sort(), books.map(tuple).sort()]
  const odd = [
    ...without(seen, booked).map((one) => `only Weir has ${one}`),
    ...without(booked, seen).map((one) => `only the books have ${one}`),
  ]
  assert.equal(
    odd.length,
    0,
    `${carried.length} of ${books.length}:\n${odd.slice(0, 20).join('\n')}`,
  )
  assertOnce(carried)
}

export function assertOnce(carried: readonly Carried[]): void {
  const odd = carried.filter(({ opened, ends }) => opened !== 1 || ends !== 1)
  assert.deepEqual(odd.slice(0, 5), [], `${odd.length} did not open once and end once`)
}

/** Elements of a list that another does not have, as often as it has fewer of them. */
function without(list: readonly string[], others: readonly string[]): readonly string[] {
  const left = new Map<string, number>()
  for (const other of others) left.set(other, (left.get(other) ?? 0) + 1)
  return list.filter((one) => {
    const count = left.get(one) ?? 0
    left.set(one, count - 1)
    return count <= 0
  })
}

export const isSilent = (one: Carried): boolean => one.bytes + one.reverse_bytes === 0

export function total(carried: readonly Carried[], name: 'bytes' | 'reverse_bytes'): number {
  return carried.reduce((sum, one) => sum + one[name], 0)
}

/** `NAME PID` of who asked and who answered, each once. */
export function processesOf(carried: readonly Carried[]): readonly string[] {
  const both = carried.map(
    (one) => `${one.src_process} ${one.src_pid} > ${one.dst_process} ${one.dst_pid}`,
  )
  return [...new Set(both)].sort()
}

/** Weir says that it has missed nothing; the books have shown it of the lab's own connections. */
export async function assertWholeCoverage(river: River): Promise<void> {
  const { coverage } = await river.get('/api/flows', { from: '-15m' })
  assertNoLoss(coverage)
  if (Object.keys(coverage.lost).length === 0) assert.equal(coverage.share, 1)
}
