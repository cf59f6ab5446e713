// What the rows of `weir top` can be beside groups of fields: things that are an end of connections, whichever end.
// A process that both calls and serves is one row then: what it sent as initiator and as responder together.

import type { JsonValue, Row } from '../../wire/mod.ts'
import { keyOf, type TopQuestion, type TopResult } from './top-answer.ts'

export type RowsName = 'processes' | 'edges' | 'ports' | 'peers' | 'units'

export const rowsNames: readonly RowsName[] = ['processes', 'edges', 'ports', 'peers', 'units']

/** Groups of fields; or one field of both ends, as the name of its rows. */
type Rows = { readonly by: readonly string[] } | { readonly end: string; readonly far?: true }

const rowsOf: Readonly<Record<RowsName, Rows>> = {
  processes: { end: 'process' },
  edges: { by: ['src_process', 'dst_process', 'dst_port'] },
  ports: { by: ['dst_port'] },
  // The far end of what a node saw: its own address would be at the top of every list.
  peers: { end: 'address', far: true },
  units: { end: 'unit' },
}

/** Asks for groups, of a central or of this machine. */
export type ReadTop = (question: TopQuestion) => Promise<TopResult>

/** Groups of one side of which the sums are made; what lies beyond is counted, not shown. */
const sideMax = 2000

/** The name of the field that tells the rows apart, for heads and filters. */
export function groupedBy(rows: RowsName): readonly string[] {
  const shape = rowsOf[rows]
  return 'by' in shape ? shape.by : [shape.end]
}

/** The `limit` first rows in the order of the question; `by` of the question is not looked at. */
export async function readRows(
  rows: RowsName,
  question: TopQuestion,
  read: ReadTop,
): Promise<TopResult> {
  const shape = rowsOf[rows]
  if ('by' in shape) return read({ ...question, by: shape.by })
  const side = { ...question, limit: sideMax, order: '-total', fold: false }
  const [src, dst] = [`src_${shape.end}`, `dst_${shape.end}`]
  if (shape.far) {
    const [served, called] = await Promise.all([
      read({ ...side, by: [src], filters: [...side.filters, ['observer', 'dst']] }),
      read({
        ...side,
        by: [dst],
        filters: [...side.filters, ['observer', 'src'], ['observer', 'both']],
      }),
    ])
    return joined(question, shape.end, { src: served, dst: called, self: new Map() })
  }
  const [asSrc, asDst, both] = await Promise.all([
    read({ ...side, by: [src] }),
    read({ ...side, by: [dst] }),
    read({ ...side, by: [src, dst], order: '-connections' }),
  ])
  const self = new Map(
    both.rows
      .filter((row) => row[src] === row[dst])
      .map((row) => [row[src] ?? null, Number(row['connections'])]),
  )
  return joined(question, shape.end, { src: asSrc, dst: asDst, self })
}

interface Sides {
  readonly src: TopResult
  readonly dst: TopResult
  /** Connections of which one thing is both ends: they are one connection of it. */
  readonly self: ReadonlyMap<JsonValue, number>
}

function joined(question: TopQuestion, name: string, { src, dst, self }: Sides): TopResult {
  const rows = new Map<string, Row>()
  const steps = new Map<string, readonly number[]>()
  const add = (result: TopResult, end: string, isFlipped: boolean): void => {
    for (const row of result.rows) {
      const value = row[end] ?? null
      const own: Row = { ...(isFlipped ? flipped(row) : row), [name]: value }
      const key = keyOf(own, [name])
      const before = rows.get(key)
      rows.set(key, before ? sum(before, own, self.get(value) ?? 0) : own)
      steps.set(key, addedSteps(steps.get(key), result.steps(row)))
    }
  }
  add(src, `src_${name}`, false)
  add(dst, `dst_${name}`, true)
  const beyond = [src, dst].reduce(
    (most, { totals, rows: known }) => Math.max(most, Number(totals['groups']) - known.length),
    0,
  )
  const all = [...rows.values()].filter((row) => row[name] !== '' && row[name] !== null)
  return {
    ...src,
    by: [name],
    rows: all.sort(byOrder(question.order)).slice(0, question.limit),
    totals: { groups: all.length + beyond },
    steps: (row) => steps.get(keyOf(row, [name])),
  }
}

/** By a metric or a field, `-` before it: largest first; what is not known comes last. */
export function byOrder(order: string): (one: Row, other: Row) => number {
  const name = order.replace(/^-/, '')
  const sign = order.startsWith('-') ? -1 : 1
  return (one, other) => {
    const [left, right] = [one[name] ?? null, other[name] ?? null]
    if (left === right) return 0
    if (left === null || right === null) return left === null ? 1 : -1
    return left < right ? -sign : sign
  }
}

const directions = ['bytes', 'packets', 'retransmits']

/** What the responder sent and received. */
function flipped(row: Row): Row {
  const turned = directions.flatMap((name) => [
    [name, row[`reverse_${name}`] ?? null] as const,
    [`reverse_${name}`, row[name] ?? null] as const,
  ])
  return { ...row, ...Object.fromEntries(turned) }
}

const additive = [
  'total',
  'opened',
  'failed',
  ...directions.flatMap((name) => [name, `reverse_${name}`]),
]
/** Percentiles of two sets cannot be joined: the worse one of both roles is shown. */
const worst = ['rtt_p50_ns', 'rtt_p95_ns']

function sum(one: Row, other: Row, self: number): Row {
  const parts = additive.map((name) => [name, plus(one[name], other[name])])
  const most = worst.map((name) => [name, larger(one[name], other[name])])
  const connections = Number(one['connections']) + Number(other['connections']) - self
  return { ...one, ...Object.fromEntries([...parts, ...most]), connections }
}

function plus(one: JsonValue | undefined, other: JsonValue | undefined): JsonValue {
  const known = [one, other].filter((value) => typeof value === 'number')
  return known.length === 0 ? null : known.reduce((all, value) => all + value, 0)
}

function larger(one: JsonValue | undefined, other: JsonValue | undefined): JsonValue {
  const known = [one, other].filter((value) => typeof value === 'number')
  return known.length === 0 ? null : Math.max(...known)
}

function addedSteps(
  one: readonly number[] | undefined,
  other: readonly number[] | undefined,
): readonly number[] {
  const length = Math.max(one?.length ?? 0, other?.length ?? 0)
  return Array.from({ length }, (_, at) => (one?.[at] ?? 0) + (other?.[at] ?? 0))
}
