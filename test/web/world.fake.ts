// What the parts of the invented Weir share: its world, its clock, ranges, empty rows.

import type { FieldInfo } from '../../api/contract/mod.ts'
import { flowTable, type Table } from '../../wire/mod.ts'

type Json = string | number | boolean | null
export type FakeRow = Record<string, Json>

/** What the invented host is like; a test changes it while the page looks. */
export interface World {
  /** The clock of this Weir, ms since 1970. */
  nowMs: number
  /** When the agent watched for the first time. */
  watchedFromMs: number
  /** Answered instead of data, when set. */
  failure: { readonly status: number; readonly code: string; readonly message: string } | undefined
  /** No node runs the probe that is asked for. */
  readonly blind: boolean
  /** Answers have a tag, and 304 says that nothing changed. */
  tagged: boolean
  readonly connections: number
  readonly health: Record<string, unknown>
  /** Fields that the model of this Weir has beside those of the real one. */
  readonly moreFields: readonly FieldInfo[]
  /** Who else gets the rows. */
  readonly exports: readonly Record<string, unknown>[]
  /** What is loaded at XDP. */
  rules: readonly FakeRow[]
  /** Changes each row before it is answered. */
  dress: (row: FakeRow, at: number) => FakeRow
}

export const intervalMs = 5000

export type Query = Readonly<Record<string, string | undefined>>

export interface Range {
  readonly fromMs: number
  readonly toMs: number
}

export function rangeOf(query: Query, { nowMs }: World): Range {
  const at = (text: string) => (text.startsWith('-') ? nowMs - back(text) : Date.parse(text))
  const to = query['to'] ?? 'now'
  return { fromMs: at(query['from'] ?? '-15m'), toMs: to === 'now' ? nowMs : at(to) }
}

function back(text: string): number {
  const unit = { s: 1, m: 60, h: 3600, d: 86_400 }[text.at(-1) as 's' | 'm' | 'h' | 'd']
  return Number(text.slice(1, -1)) * unit * 1000
}

export function coverageOf({ watchedFromMs }: World, { fromMs, toMs }: Range) {
  const watched = (toMs - Math.max(fromMs, watchedFromMs)) / (toMs - fromMs)
  return { share: 1, watched: Math.max(0, watched), lost: {}, gaps: [] }
}

export function shareAt({ watchedFromMs }: World, endMs: number): number | null {
  return endMs > watchedFromMs ? 1 : null
}

export function stepsOf({ fromMs, toMs }: Range, stepMs: number): number[] {
  const first = Math.floor(fromMs / stepMs)
  return Array.from({ length: Math.ceil(toMs / stepMs) - first }, (_, n) => (first + n) * stepMs)
}

/** Every field of the table with nothing in it. */
export function blank(table: Table = flowTable): FakeRow {
  return Object.fromEntries(
    [...table.fields, ...table.derived].map(({ name, kind, nullable }) => {
      if (nullable) return [name, null]
      if (kind === 'name' || kind === 'time' || kind === 'address') return [name, '']
      if (kind === 'id') return [name, '0']
      return [name, kind === 'flag' ? true : 0]
    }),
  )
}

export function iso(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000000Z`
}
