// Edges between workloads → a graph of a bounded number of nodes. What is folded is added up in one node, so the bytes
// of all edges stay what they were.

import { terminalStyle, text, volume } from '../../common/number/mod.ts'
import type { Row } from '../../wire/mod.ts'
import type { GraphAnswer } from '../contract/mod.ts'

export type Graph = Pick<GraphAnswer, 'nodes' | 'edges'>

interface Sums {
  bytes: number
  opened: number
  failed: number
}

/** Groups by src_namespace, src_workload, dst_namespace, dst_workload; `totals` of all, also of those not in `rows`. */
export function graphOf(
  rows: readonly Row[],
  totals: Readonly<Record<string, number | null>>,
  nodesMax: number,
): Graph {
  const nodes = new Map<string, Sums>()
  for (const row of rows) {
    const ends = new Set([endOf(row, 'src'), endOf(row, 'dst')])
    for (const id of ends) add(nodes, id, sumsOf(row))
  }
  const rest = subtract(sumsOf(totals), rows.map(sumsOf))
  const isFolded = nodes.size > nodesMax || rest.bytes + rest.opened + rest.failed > 0
  const largest = [...nodes].sort(([, a], [, b]) => b.bytes - a.bytes)
  const kept = new Set(largest.slice(0, isFolded ? nodesMax - 1 : nodesMax).map(([id]) => id))
  const nameOf = (id: string) => (kept.has(id) ? id : other)
  const folded = new Map<string, Sums>()
  const edges = new Map<string, Sums>()
  const addEdge = (source: string, target: string, sums: Sums) => {
    for (const id of new Set([source, target])) add(folded, id, sums)
    add(edges, JSON.stringify([source, target]), sums)
  }
  for (const row of rows) {
    addEdge(nameOf(endOf(row, 'src')), nameOf(endOf(row, 'dst')), sumsOf(row))
  }
  if (isFolded && rest.bytes + rest.opened + rest.failed > 0) addEdge(other, other, rest)
  return { nodes: [...folded].map(nodeOf), edges: edgesOf(edges) }
}

const other = 'other'
const outside = 'outside'

function endOf(row: Row, side: 'src' | 'dst'): string {
  const [namespace, workload] = [row[`${side}_namespace`], row[`${side}_workload`]]
  if (!workload) return outside
  return namespace ? `${namespace}/${workload}` : String(workload)
}

function sumsOf(row: Readonly<Record<string, unknown>>): Sums {
  const of = (name: string) => Number(row[name] ?? 0)
  return { bytes: of('total'), opened: of('opened'), failed: of('failed') }
}

function subtract(from: Sums, all: readonly Sums[]): Sums {
  const rest = { ...from }
  for (const { bytes, opened, failed } of all) {
    rest.bytes -= bytes
    rest.opened -= opened
    rest.failed -= failed
  }
  return rest
}

function add(to: Map<string, Sums>, key: string, { bytes, opened, failed }: Sums): void {
  const known = to.get(key)
  if (!known) to.set(key, { bytes, opened, failed })
  else {
    known.bytes += bytes
    known.opened += opened
    known.failed += failed
  }
}

function nodeOf([id, { bytes, opened }]: readonly [string, Sums]): Graph['nodes'][number] {
  const slash = id.indexOf('/')
  return {
    id,
    title: slash < 0 ? id : id.slice(slash + 1),
    subTitle: slash < 0 ? '' : id.slice(0, slash),
    mainStat: text(volume(bytes), terminalStyle),
    secondaryStat: `${opened} new`,
    detail__bytes: bytes,
  }
}

function edgesOf(edges: ReadonlyMap<string, Sums>): Graph['edges'] {
  const most = Math.max(1, ...[...edges.values()].map(({ bytes }) => bytes))
  return [...edges].map(([key, { bytes, failed }]) => {
    const [source = '', target = ''] = JSON.parse(key) as string[]
    const share = Math.log1p(bytes) / Math.log1p(most)
    return {
      id: key,
      source,
      target,
      mainStat: text(volume(bytes), terminalStyle),
      secondaryStat: `${failed} failed`,
      thickness: 1 + Math.round(9 * share),
      detail__bytes: bytes,
    }
  })
}
