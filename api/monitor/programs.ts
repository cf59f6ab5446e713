// The BPF programs of every node in the shapes of the eBPF network monitor: its agent's list, and its aggregator's
// agents with their programs. How many events a program made is what its probe made on its node.

import type { QuestionOptions, Range } from '../../store/query/mod.ts'
import { eventKinds, type Row } from '../../wire/mod.ts'
import type { MonitorPrograms } from '../contract/mod.ts'
import type { RouteDeps } from '../routes/deps.ts'
import { monitorFilter } from './filter.ts'
import { eventGroupsOf } from './groups.ts'

/** That aggregator looks at the events of ten minutes. */
const countedNs = 600_000_000_000n

/** `rows` are those of the answer; events are counted in the last ten minutes of the range. */
export async function monitorProgramsOf(
  deps: Pick<RouteDeps, 'reader' | 'health'>,
  rows: readonly Row[],
  { fromNs, toNs }: Range,
  options: QuestionOptions,
): Promise<MonitorPrograms> {
  const begin = toNs - countedNs
  const range = { fromNs: begin > fromNs ? begin : fromNs, toNs }
  const [{ nodes }, groups] = await Promise.all([
    deps.health(),
    eventGroupsOf(deps, { range, filter: monitorFilter({}) }, ['node', 'kind'], options),
  ])
  const groupsOf = Map.groupBy(groups.rows, (group) => String(group['node']))
  const knownNodes = new Map(nodes.map((each) => [each.node, each]))
  const eventsOf = (node: string, isOf: (kind: string) => boolean) =>
    (groupsOf.get(node) ?? [])
      .filter((group) => isOf(String(group['kind'])))
      .reduce((sum, group) => sum + Number(group['events']), 0)
  const shown = rows.map((row) => ({
    name: String(row['program']),
    type: 'eBPF' as const,
    status: row['state'] === 'ready' ? ('active' as const) : ('inactive' as const),
    node: String(row['node']),
  }))
  const agents = [...Map.groupBy(rows, (row) => String(row['node']))].map(([node, own]) => {
    const known = knownNodes.get(node)
    const times = own.map((row) => String(row['time'])).toSorted()
    return {
      node_name: node,
      last_seen: known?.last_seen ?? String(times.at(-1)),
      event_count: eventsOf(node, () => true),
      programs: own.map((row) => String(row['program'])),
      status: known && known.state !== 'gone' ? ('active' as const) : ('inactive' as const),
    }
  })
  return {
    programs: shown.map((program, index) => ({
      id: Number(rows[index]?.['program_id']),
      ...program,
    })),
    total_count: shown.length,
    connected_agents: agents,
    all_programs: shown.map((program, index) => ({
      ...program,
      event_count: eventsOf(program.node, (kind) => makes(`${rows[index]?.['probe']}`, kind)),
    })),
    total_agents: agents.length,
    total_programs: shown.length,
  }
}

/** Whether records of the probe become events of the kind. */
function makes(probe: string, kind: string): boolean {
  const probes: readonly string[] = eventKinds.find(({ name }) => name === kind)?.probes ?? []
  return probes.includes(probe)
}
