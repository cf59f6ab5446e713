// The agents, worst first: state as sign and word, since when they were heard, and what is odd about them.

import { useCell } from '../data/cell.ts'
import type { Health } from '../data/contract.ts'
import { location$ } from '../data/page.ts'
import { age, duration, text, unmeasured } from '../domain/number.ts'
import { dateTime, msOf } from '../domain/time.ts'
import { Mark } from './icons.tsx'
import { Empty } from './panel-state.tsx'
import { Name } from './text.tsx'

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
        <table class="tbl agents">
          <thead>
            <tr>
              <th scope="col">State</th>
              <th scope="col">Node</th>
              <th scope="col" class="num">
                Heard
              </th>
              <th scope="col" class="num hide-s">
                Interval
              </th>
              <th scope="col" class="num">
                Clock
              </th>
              <th scope="col">Version</th>
              <th scope="col" class="hide-s">
                Agent
              </th>
            </tr>
          </thead>
          <tbody>
            {sorted.map((node) => (
              <Agent key={`${node.node} ${node.agent}`} node={node} atMs={atMs} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

function Agent({ node, atMs }: { readonly node: NodeHealth; readonly atMs: number }) {
  const { zone } = useCell(location$)
  const heardMs = msOf(node.last_seen)
  const ago = Math.max(0, atMs - heardMs) * 1e6
  const { clock_offset_ms: clockMs, message } = node
  return (
    <>
      <tr class={message ? 'said' : ''}>
        <td class={tones[node.state]}>
          <span class="word">
            <StateSign state={node.state} />
            {node.state}
          </span>
        </td>
        <td>
          <Name text={node.node} />
        </td>
        <td class="num" title={dateTime(heardMs, zone)}>
          {text(age(Math.max(1e9, Math.round(ago / 1e9) * 1e9)))}
        </td>
        <td class="num hide-s">{text(duration(node.interval_ms * 1e6))}</td>
        <td class={`num ${Math.abs(clockMs ?? 0) > clockOffMs ? 'warn' : 'mid'}`}>
          {clockMs === null ? unmeasured.value : offsetText(clockMs)}
        </td>
        <td>
          <Name text={node.version} />
        </td>
        <td class="mono hide-s" title={node.agent}>
          <Name text={node.agent} />
        </td>
      </tr>
      {message && (
        <tr>
          <td colSpan={columnCount} class="wrap message">
            <span class="word">
              <Mark level="warn" />
              <Name text={message} />
            </span>
          </td>
        </tr>
      )}
    </>
  )
}

const columnCount = 7

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
