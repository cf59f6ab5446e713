// Holds rows of the API against the truth of test/traffic: every connection once, every octet, every name.

import assert from 'node:assert/strict'
import type { Answer, Api, JsonRow } from '../river.ts'
import { type Connection, type Lab, until } from '../traffic/mod.ts'

/** What all rows of one connection say together. */
export interface Story {
  readonly rows: readonly JsonRow[]
  readonly last: JsonRow
  /** The row with the end; a late end may still add rows after it. */
  readonly end: JsonRow | undefined
  readonly bytes: number
  readonly reverse_bytes: number
}

/** The rows of one connection, whichever of its ends is known (a failed connect by its pid and target). */
export async function storyOf(
  river: Api,
  lab: Lab,
  truth: Pick<Connection, 'src_port' | 'dst_port'>,
): Promise<Story | undefined> {
  const rows = await river.flows({
    netns: inodesOf(lab),
    src_port: truth.src_port,
    dst_port: truth.dst_port,
    from: '-15m',
  })
  return rows.length === 0 ? undefined : tell(rows)
}

/** Every namespace of a lab, as a filter that either end may match takes them. */
export function inodesOf(lab: Lab): readonly number[] {
  return lab.names.map((_, index) => lab.netns(index).inode)
}

/** What a neighbour on this host can bring about by a storm of its own: it fills what all connections share. */
const sharedCauses = ['ring_full', 'map_full', 'interrupted']

/** Nothing that a lab has made is lost, as far as a coverage of the whole host can tell. */
export function assertNoLoss({ lost }: Answer['coverage']): void {
  const causes = Object.keys(lost).filter((cause) => !sharedCauses.includes(cause))
  assert.deepEqual(causes, [])
}

/** The same of rows that are here already. */
export function storyIn(
  rows: readonly JsonRow[],
  truth: Pick<Connection, 'src_port' | 'dst_port'>,
): Story | undefined {
  const own = rows.filter(
    (row) => row['src_port'] === truth.src_port && row['dst_port'] === truth.dst_port,
  )
  return own.length === 0 ? undefined : tell(own)
}

export function tell(rows: readonly JsonRow[]): Story {
  const sum = (name: string) => rows.reduce((all, row) => all + Number(row[name]), 0)
  const end = rows.find((row) => row['end'] !== null)
  return { rows, last: rows.at(-1)!, end, bytes: sum('bytes'), reverse_bytes: sum('reverse_bytes') }
}

/** Waits until the end of a connection is in the API, with every process there was, and gives its story. */
export function whole(river: Api, lab: Lab, truth: Connection): Promise<Story> {
  return until(`the end of ${truth.case} in the API`, async () => {
    const story = await storyOf(river, lab, truth)
    const names = ['src_pid', 'dst_pid'] as const
    const isNamed = names.every((name) => truth[name] === 0 || story?.last[name] !== 0)
    return story?.end && isNamed ? story : undefined
  })
}

export type When = 'seen from its start' | 'older than Weir'

/** Every field that the case knows, and that no octet was counted twice or missed. */
export function assertTrue(story: Story, truth: Connection, when: When): void {
  const { last, end, rows } = story
  const expected = {
    src_address: truth.src_address,
    dst_address: truth.dst_address,
    total_bytes: truth.bytes,
    total_reverse_bytes: truth.reverse_bytes,
    end_reason: truth.end_reason,
    errno: truth.errno,
    src_pid: truth.src_pid,
    dst_pid: truth.dst_pid,
    src_process: truth.src_process,
    dst_process: truth.dst_process,
  }
  const { end_reason, errno } = end ?? last
  const all: JsonRow = { ...last, end_reason: end_reason ?? null, errno: errno ?? null }
  const got = Object.fromEntries(Object.keys(expected).map((name) => [name, all[name]]))
  const sources = `owners by ${last['src_process_source']} and ${last['dst_process_source']}`
  assert.deepEqual(got, expected, `${truth.case}, ${when}, ${sources}`)
  assert.equal(rows.filter((row) => row['end'] !== null).length, 1, `${truth.case} ended once`)
  assert.equal(new Set(rows.map((row) => row['connection_id'])).size, 1, `${truth.case} is one`)
  assertSums(story, truth, when)
}

function assertSums({ rows, ...story }: Story, truth: Connection, when: When): void {
  const first = rows[0]!
  const before = when === 'older than Weir' ? first : undefined
  if (before)
    assert.deepEqual([first['bytes'], first['reverse_bytes'], first['start']], [0, 0, null])
  assert.equal(story.bytes, truth.bytes - Number(before?.['total_bytes'] ?? 0), truth.case)
  const reverse = truth.reverse_bytes - Number(before?.['total_reverse_bytes'] ?? 0)
  assert.equal(story.reverse_bytes, reverse, truth.case)
  const opened = rows.reduce((all, row) => all + Number(row['opened']), 0)
  assert.equal(opened, before ? 0 : 1, `${truth.case}: opened`)
}
