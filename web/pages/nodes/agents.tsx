// The agents, worst first: state as sign and word, since when they were heard, and what is odd about them.

import { age, duration, text, unmeasured } from '../../../common/number/mod.ts'
import { useCell } from '../../data/cell.ts'
import type { Health } from '../../data/contract.ts'
import { location$ } from '../../data/page.ts'
import { dateTime, msOf, type Zone } from '../../domain/time.ts'
import { Mark } from '../../views/icons.tsx'
import { Empty } from '../../views/panel-state.tsx'
import { type Column, Table } from '../../views/table.tsx'
import { Name } from '../../views/text.tsx'

type NodeHealth = Health['nodes'][number]

/** From where on a clock is amber. */
const clockOffMs = 1000

const worstFirst = ['gone', 'late', 'live', 'idle'] as const

interface AgentsProps {
  readonly nodes: Health['nodes'] | undefined
  /** Now, by the server's clock. */
  readonly atMs: number
}

export function Agents({ nodes, atMs }: AgentsProps) {
  const { zone } = useCell(location$)
  const sorted = [...(nodes ?? [])].sort((a, b) => rank(a) - rank(b) || byName(a, b))
  return (
    <section class="panel" aria-labelledby="agents">
      <header>
        <h2 id="agents">Agents</h2>
        <span class="sub">{nodes && countsOf(sorted)}</span>
      </header>
      {nodes && sorted.length === 0 ? (
        <Empty what="No agent has reported yet." share={null} nodes={nodes} />
      ) : (
        <Table
          name="agents"
          columns={agentColumns(atMs, zone)}
          rows={sorted}
          keyOf={({ node, agent }) => `${node} ${agent}`}
          note={({ message }) =>
            message && (
              <span class="word">
                <Mark level="warn" />
                <Name text={message} />
              </span>
            )
          }
        />
      )}
    </section>
  )
}

function agentColumns(atMs: number, zone: Zone): readonly Column<NodeHealth>[] {
  return [
    {
      name: 'state',
      head: 'State',
      tone: ({ state }) => tones[state],
      cell: ({ state }) => (
        <span class="word">
          <StateSign state={state} />
          {state}
        </span>
      ),
    },
    { name: 'node', head: 'Node', cell: ({ node }) => <Name text={node} /> },
    {
      name: 'last_seen',
      head: 'Heard',
      class: 'num',
      title: (node) => dateTime(msOf(node.last_seen), zone),
      cell: (node) => agoText(atMs - msOf(node.last_seen)),
    },
    {
      name: 'interval_ms',
      head: 'Interval',
      class: 'num',
      leaves: 'narrow',
      cell: (node) => text(duration(node.interval_ms * 1e6)),
    },
    {
      name: 'clock_offset_ms',
      head: 'Clock',
      class: 'num',
      tone: ({ clock_offset_ms: ms }) => (Math.abs(ms ?? 0) > clockOffMs ? 'warn' : 'mid'),
      cell: ({ clock_offset_ms: ms }) => (ms === null ? unmeasured.value : offsetText(ms)),
    },
    { name: 'version', head: 'Version', cell: ({ version }) => <Name text={version} /> },
    {
      name: 'agent',
      head: 'Agent',
      tone: () => 'mono',
      leaves: 'narrow',
      title: ({ agent }) => agent,
      cell: ({ agent }) => <Name text={agent} />,
    },
  ]
}

/** Whole seconds, at least one. */
function agoText(ms: number): string {
  return text(age(1e9 * Math.max(1, Math.round(ms / 1000))))
}

/** `+1.20 s`: the sign is said, because ahead and behind are different faults. */
function offsetText(ms: number): string {
  if (ms === 0) return '0'
  return `${ms > 0 ? '+' : '−'}${text(duration(Math.abs(ms) * 1e6))}`
}

const tones = { live: 'mid', idle: 'mid', late: 'warn', gone: 'bad' } as const

/** ● live ○ idle ◐ late ✕ gone: the shape says it without the colour. */
function StateSign({ state }: { readonly state: NodeHealth['state'] }) {
  return (
    <svg class="ico12" viewBox="0 0 14 14" fill="none" stroke="currentColor" aria-hidden="true">
      {state === 'gone' ? (
        <path d="m3 3 8 8M11 3l-8 8" stroke-width="2.2" />
      ) : (
        <circle
          cx="7"
          cy="7"
          r="4.6"
          stroke-width="1.8"
          fill={state === 'live' ? 'currentColor' : 'none'}
        />
      )}
      {state === 'late' && <path d="M7 2.400a4.600 4.600 0 0 1 0 9.200z" fill="currentColor" />}
    </svg>
  )
}

function countsOf(nodes: Health['nodes']): string {
  return worstFirst
    .map((state) => ({ state, n: nodes.filter((node) => node.state === state).length }))
    .filter(({ n }) => n > 0)
    .map(({ state, n }) => `${n} ${state}`)
    .join(', ')
}

function rank(node: NodeHealth): number {
  return worstFirst.indexOf(node.state)
}

function byName(a: NodeHealth, b: NodeHealth): number {
  return a.node < b.node ? -1 : 1
}
