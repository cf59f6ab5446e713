// The folding of ephemeral responder ports of /api/top over groups in memory: a port from 32768 on that one
// connection alone used, towards what the group says of the responder, joins the others of its edge as one group
// with a null `dst_port`. One that would be alone stays. No sum changes.

import type { JsonValue, Row } from '../../wire/mod.ts'

/** A group as it is folded: its fields, its connections, and how another one is added to it. */
export interface FoldingGroup {
  readonly fields: Row
  readonly connections: ReadonlySet<string>
}

export interface Folded<G> {
  readonly fields: Row
  /** At least two for a fold. */
  readonly parts: readonly G[]
}

const firstEphemeralPort = 32_768

/** Groups as they are shown; those that are no fold have one part. */
export function foldedGroups<G extends FoldingGroup>(
  groups: readonly G[],
  by: readonly string[],
): readonly Folded<G>[] {
  const whole = groups.map((group) => ({ fields: group.fields, parts: [group] }))
  if (!by.includes('dst_port')) return whole
  const single = singlePorts(groups, by)
  const edges = Map.groupBy(single, (group) => keyWithout(group.fields, by))
  const folds = [...edges.values()].filter((parts) => parts.length > 1)
  const gone = new Set(folds.flat())
  return [
    ...whole.filter(({ parts }) => !gone.has(parts[0] as G)),
    ...folds.map((parts) => ({ fields: foldFields(parts[0] as G, parts.length), parts })),
  ]
}

/** Groups of an ephemeral port that has one connection from all sources together. */
function singlePorts<G extends FoldingGroup>(groups: readonly G[], by: readonly string[]): G[] {
  const responder = by.filter((name) => name.startsWith('dst_'))
  const candidates = groups.filter(({ fields }) => Number(fields['dst_port']) >= firstEphemeralPort)
  const keyOf = ({ fields }: G): string => key(responder.map((name) => fields[name] ?? null))
  return [...Map.groupBy(candidates, keyOf).values()]
    .filter((same) => new Set(same.flatMap(({ connections }) => [...connections])).size === 1)
    .flat()
}

function foldFields(group: FoldingGroup, ports: number): Row {
  return { ...group.fields, dst_port: null, folded_ports: ports }
}

function keyWithout(fields: Row, by: readonly string[]): string {
  return key(by.filter((name) => name !== 'dst_port').map((name) => fields[name] ?? null))
}

function key(values: readonly JsonValue[]): string {
  return JSON.stringify(values)
}
