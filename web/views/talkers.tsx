// Who talks to whom: the busiest edges of the range, initiator → process and port that answered.

import type { Answer } from '../data/answer.ts'
import { useCell } from '../data/cell.ts'
import type { Health, TopAnswer, Values } from '../data/contract.ts'
import { commit, location$ } from '../data/page.ts'
import { retransmitsOf, text } from '../domain/flow.ts'
import { type PageState, withFilters } from '../domain/location.ts'
import * as number from '../domain/number.ts'
import { PanelCoverage } from './coverage-badge.tsx'
import { Empty, WhenAnswered } from './panel-state.tsx'
import { Name, Num } from './text.tsx'

const by = ['src_process', 'dst_process', 'dst_port'] as const
const orders = [
  { order: '-total', name: 'Traffic' },
  { order: '-retransmits', name: 'Retransmits' },
  { order: '-rtt_p95_ns', name: 'RTT' },
] as const

export const firstOrder = orders[0].order

const shown = 8

/** What is shown of an edge, and of the whole range beside the charts: nothing else is computed. */
const metrics = [
  'total',
  ...['bytes', 'packets', 'retransmits'].flatMap((name) => [name, `reverse_${name}`]),
  ...['opened', 'failed', 'connections', 'rtt_p95_ns'],
]

/** What the question adds to range and filters. */
export function talkersQuery(order: string, fold: PageState['fold']): string {
  const query = new URLSearchParams({ order, limit: String(shown) })
  if (fold === 'none') query.append('fold', fold)
  for (const field of by) query.append('by', field)
  for (const metric of metrics) query.append('metrics', metric)
  return query.toString()
}

interface TalkersProps {
  readonly answer: Answer<TopAnswer>
  readonly order: string
  readonly onOrder: (order: string) => void
  readonly rangeText: string
  readonly nodes: Health['nodes'] | undefined
}

export function Talkers({ answer, order, onOrder, rangeText, nodes }: TalkersProps) {
  const { data } = answer
  return (
    <section class={`panel ${answer.failure ? 'stale' : ''}`} aria-labelledby="talkers">
      <header>
        <h2 id="talkers">Who talks to whom</h2>
        <span class="sub">{data && summary(data)}</span>
        <Fold folded={Number(data?.totals['folded_ports'] ?? 0)} />
        <span class="end">
          <fieldset class="seg">
            <legend class="sr">Order</legend>
            {orders.map((choice) => (
              <button
                key={choice.order}
                type="button"
                aria-pressed={choice.order === order}
                onClick={() => onOrder(choice.order)}
              >
                {choice.name}
              </button>
            ))}
          </fieldset>
          <PanelCoverage coverage={data?.coverage} />
        </span>
      </header>
      <WhenAnswered answer={answer} range={rangeText}>
        {data && data.rows.length > 0 ? (
          <Edges rows={data.rows} order={order} />
        ) : (
          <Empty what="No connection was seen." share={data?.coverage.share} nodes={nodes} />
        )}
      </WhenAnswered>
    </section>
  )
}

/** How many ports stand behind `:*`, and the way to see each, and back. */
function Fold({ folded }: { readonly folded: number }) {
  const state = useCell(location$)
  if (state.fold === 'ports' && folded === 0) return null
  const unfolded = state.fold === 'none'
  return (
    <button
      type="button"
      class="lnk sm"
      title="Ports from 32768 on that one connection alone used stand as :* in one edge"
      onClick={() => commit({ ...state, fold: unfolded ? 'ports' : 'none' })}
    >
      {unfolded ? 'Fold ports' : `Show ${number.exact(folded)} folded ports`}
    </button>
  )
}

/** `top 8 of 186 edges, 86 % of traffic`: a list without its whole would be a lie. */
function summary({ rows, totals }: TopAnswer): string {
  const groups = Number(totals['groups'] ?? rows.length)
  if (groups === 0) return ''
  const part = rows.reduce((sum, row) => sum + Number(row['total']), 0)
  const whole = Number(totals['total'])
  const share = whole > 0 ? `, ${number.text(number.percent(part / whole))} of traffic` : ''
  const edges = `${number.exact(groups)} ${groups === 1 ? 'edge' : 'edges'}`
  return rows.length < groups ? `top ${rows.length} of ${edges}${share}` : edges
}

const columns = [
  { head: 'Initiator → responder', class: '', slot: '', order: '' },
  { head: 'Sent', class: 'num', slot: 'u2', order: '' },
  { head: 'Total', class: 'ctr', slot: '', order: '-total' },
  { head: 'Received', class: 'num', slot: 'u2', order: '' },
  { head: 'RTT p95', class: 'num', slot: 'u2', order: '-rtt_p95_ns' },
  { head: 'Retr.', class: 'num', slot: 'u1', order: '-retransmits' },
  { head: 'Conn.', class: 'num hide-s', slot: '', order: '' },
  { head: 'Failed', class: 'num hide-s', slot: '', order: '' },
] as const

function Edges({ rows, order }: { readonly rows: readonly Values[]; readonly order: string }) {
  const most = Math.max(
    1,
    ...rows.flatMap((row) => [Number(row['bytes']), Number(row['reverse_bytes'])]),
  )
  return (
    <table class="tbl edges">
      <thead>
        <tr>
          {columns.map(({ head, class: name, slot, order: own }) => (
            <th
              key={head}
              scope="col"
              class={`${name} ${slot} ${own === order ? 'sorted' : ''}`}
              aria-sort={own === order ? 'descending' : 'none'}
            >
              {head}
              {own === order ? ' ↓' : ''}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Edge key={keyOfEdge(row)} row={row} most={most} />
        ))}
      </tbody>
    </table>
  )
}

function Edge({ row, most }: { readonly row: Values; readonly most: number }) {
  const sent = Number(row['bytes'])
  const back = Number(row['reverse_bytes'])
  const packets = Number(row['packets']) + Number(row['reverse_packets'])
  const again = retransmitsOf(row)
  const rtt = row['rtt_p95_ns']
  const failed = Number(row['failed'])
  const attempts = Math.max(failed, Number(row['opened']))
  const folded = Number(row['folded_ports'] ?? 0)
  function filter(): void {
    const ends = folded > 0 ? by.filter((field) => field !== 'dst_port') : by
    const filters = ends.map((field) => ({ field, value: text(row, field) }))
    const state = withFilters(location$.get(), filters)
    commit(folded > 0 ? { ...state, fold: 'none' } : state)
  }
  return (
    <tr class="door" onClick={filter}>
      <td class="ends">
        <button
          type="button"
          title={folded > 0 ? `Show each of these ${folded} ports` : 'Show only this edge'}
        >
          <Process name={text(row, 'src_process')} />
          <span class="arrow">→</span>
          <Process name={text(row, 'dst_process')} />
          {folded > 0 ? (
            <span>
              :* <span class="dim">{number.exact(folded)} ports</span>
            </span>
          ) : (
            <span>:{text(row, 'dst_port')}</span>
          )}
        </button>
      </td>
      <td class="num c-sent" title={number.exact(sent)}>
        <Num figure={number.volume(sent)} slot="u2" />
      </td>
      <td class="c-bar">
        <svg class="bar2" viewBox="0 0 200 10" preserveAspectRatio="none" aria-hidden="true">
          <rect
            class="barfill"
            x={99.5 - (sent / most) * 99}
            width={(sent / most) * 99}
            height="10"
          />
          <rect class="barfill back" x="100.5" width={(back / most) * 99} height="10" />
        </svg>
      </td>
      <td class="num c-back" title={number.exact(back)}>
        <Num figure={number.volume(back)} slot="u2" />
      </td>
      <td class="num c-rtt">
        <Num
          figure={typeof rtt === 'number' ? number.duration(rtt) : number.unmeasured}
          slot="u2"
        />
      </td>
      <td
        class={`num c-retr ${toneOf(again, packets, failing.retransmits)}`}
        title={again === undefined ? 'not measured' : number.exact(again)}
      >
        <Num figure={shareOf(again, packets)} slot="u1" />
      </td>
      <td class="num hide-s">{number.text(number.count(Number(row['connections'])))}</td>
      <td class={`num hide-s ${toneOf(failed, attempts, failing.connects)}`}>
        {number.text(number.count(failed))}
      </td>
    </tr>
  )
}

/** An edge may be there twice: folded, and without a port of its own. */
function keyOfEdge(row: Values): string {
  return [...by, 'folded_ports'].map((field) => text(row, field)).join('|')
}

/** A process that is not on a watched node has no name here. */
function Process({ name }: { readonly name: string }) {
  return name === '' ? (
    <span class="ns" title="Its process is on no watched node, or was not seen.">
      unknown
    </span>
  ) : (
    <Name text={name} />
  )
}

/** From where on a figure is a problem and no longer noise: a share, of at least so many. */
const failing = {
  retransmits: { share: 0.02, of: 100 },
  connects: { share: 0.05, of: 10 },
} as const

/** Healthy has no colour, and zero steps back. */
function toneOf(
  part: number | undefined,
  whole: number,
  floor: { readonly share: number; readonly of: number },
): string {
  if (part === undefined || part === 0) return 'dim'
  return whole >= floor.of && part / whole >= floor.share ? 'bad' : ''
}

function shareOf(part: number | undefined, whole: number): number.Figure {
  if (part === undefined || whole === 0) return number.unmeasured
  return part === 0 ? { value: '0', unit: '' } : number.percent(part / whole)
}
