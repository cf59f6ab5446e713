// Who talks to whom: the busiest edges of the range, initiator → process and port that answered.

import { useMemo } from 'preact/hooks'
import * as number from '../../../common/number/mod.ts'
import type { Answer } from '../../data/answer.ts'
import { useCell } from '../../data/cell.ts'
import type { Health, TopAnswer, Values } from '../../data/contract.ts'
import { model$ } from '../../data/model.ts'
import { commit, location$ } from '../../data/page.ts'
import { isEstimated, retransmitsOf, text } from '../../domain/flow.ts'
import { type PageState, viewOf, withFilters } from '../../domain/location.ts'
import type { Words } from '../../domain/model.ts'
import { PanelCoverage } from '../../views/coverage-badge.tsx'
import { Empty, WhenAnswered } from '../../views/panel-state.tsx'
import { type Column, Table } from '../../views/table.tsx'
import { Estimate, Name, Num } from '../../views/text.tsx'
import { Failed, failedOrder, failedRows } from './failed.tsx'

/** Of sockets; of packets on an interface mostly nobody knows a process. */
const byProcess = ['src_process', 'dst_process', 'dst_port'] as const
const byAddress = ['src_address', 'dst_address', 'dst_port'] as const

/** What the row is a group of. */
function fieldsOf(row: Values): typeof byProcess | typeof byAddress {
  return 'src_address' in row ? byAddress : byProcess
}

const orders = ['total', 'retransmits', 'rtt_p95_ns'] as const

export const firstOrder = `-${orders[0]}`

const shown = 8

/** What is shown of an edge, and of the whole range beside the charts: nothing else is computed. */
const shownMetrics = [
  'total',
  ...['bytes', 'packets', 'retransmits'].flatMap((name) => [name, `reverse_${name}`]),
  ...['opened', 'failed', 'connections', 'rtt_p95_ns'],
]

/** What the question adds to range and filters. */
export function talkersQuery(order: string, state: PageState): string {
  const { fold } = state
  const query = new URLSearchParams({ order, limit: String(shown) })
  if (fold === 'none') query.append('fold', fold)
  const isOfInterfaces = viewOf(state) === 'interface'
  for (const field of isOfInterfaces ? byAddress : byProcess) query.append('by', field)
  for (const metric of shownMetrics) query.append('metrics', metric)
  // Sockets are never sampled.
  if (isOfInterfaces) query.append('metrics', 'estimated')
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
  const { metrics } = useCell(model$)
  // Until the new answer is here, the list is that of the tab before.
  const isFailed = answer.path.includes(`order=${failedOrder}`)
  const rows = isFailed ? failedRows(data?.rows ?? []) : (data?.rows ?? [])
  return (
    <section class={`panel ${answer.failure ? 'stale' : ''}`} aria-labelledby="talkers">
      <header>
        <h2 id="talkers">Who talks to whom</h2>
        <span class="sub">{data && (isFailed ? failedSummary(data) : summary(data))}</span>
        <Fold folded={Number(data?.totals['folded_ports'] ?? 0)} />
        <span class="end">
          <fieldset class="seg">
            <legend class="sr">Order</legend>
            {[...orders, 'failed'].map((metric) => (
              <button
                key={metric}
                type="button"
                aria-pressed={order === `-${metric}`}
                onClick={() => onOrder(`-${metric}`)}
              >
                {metric === 'failed' ? 'Failed' : metrics.labelOf(metric)}
              </button>
            ))}
          </fieldset>
          <PanelCoverage coverage={data?.coverage} />
        </span>
      </header>
      <WhenAnswered answer={answer} range={rangeText}>
        {rows.length > 0 ? (
          isFailed ? (
            <Failed rows={rows} />
          ) : (
            <Edges rows={rows} order={order} />
          )
        ) : (
          <Empty
            what={isFailed ? 'No connect failed.' : 'No connection was seen.'}
            share={data?.coverage.share}
            nodes={nodes}
          />
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

function failedSummary({ rows, totals }: TopAnswer): string {
  const failed = Number(totals['failed'] ?? 0)
  if (failed === 0) return ''
  const part = rows.reduce((sum, row) => sum + Number(row['failed']), 0)
  const connects = `${number.exact(failed)} failed ${failed === 1 ? 'connect' : 'connects'}`
  return part < failed ? `the most frequent, ${number.exact(part)} of ${connects}` : connects
}

interface EdgesProps {
  readonly rows: readonly Values[]
  readonly order: string
}

function Edges({ rows, order }: EdgesProps) {
  const { metrics } = useCell(model$)
  const most = Math.max(
    1,
    ...rows.flatMap((row) => [Number(row['bytes']), Number(row['reverse_bytes'])]),
  )
  const columns = useMemo(() => edgeColumns(metrics, most), [metrics, most])
  return (
    <Table
      name="edges"
      columns={columns}
      rows={rows}
      keyOf={keyOfEdge}
      order={order}
      line={(row) => ({ class: 'door', onClick: () => filterBy(row) })}
    />
  )
}

/** `most`: bytes of the longest bar. */
function edgeColumns(words: Words, most: number): readonly Column<Values>[] {
  const column = (name: string) => ({ name, head: words.labelOf(name), help: words.helpOf(name) })
  const volumeOf = (name: string): Column<Values> => ({
    ...column(name),
    class: 'num',
    slot: 'u2',
    title: (row) => number.exact(Number(row[name])),
    cell: (row) => (
      <>
        {isEstimated(row) && <Estimate />}
        <Num figure={number.volume(Number(row[name]))} slot="u2" />
      </>
    ),
  })
  const countOf = (name: string): Column<Values> => ({
    ...column(name),
    class: 'num',
    leaves: 'narrow',
    cell: (row) => number.text(number.count(Number(row[name]))),
  })
  return [
    {
      name: 'edge',
      head: 'Initiator → responder',
      class: 'ends',
      cell: (row) => <EdgeName row={row} />,
    },
    volumeOf('bytes'),
    {
      ...column('total'),
      class: 'ctr',
      sort: 'total',
      cell: (row) => <Bars row={row} most={most} />,
    },
    volumeOf('reverse_bytes'),
    {
      ...column('rtt_p95_ns'),
      class: 'num',
      slot: 'u2',
      sort: 'rtt_p95_ns',
      cell: ({ rtt_p95_ns: rtt }) => (
        <Num
          figure={typeof rtt === 'number' ? number.duration(rtt) : number.unmeasured}
          slot="u2"
        />
      ),
    },
    {
      ...column('retransmits'),
      class: 'num',
      slot: 'u1',
      sort: 'retransmits',
      tone: (row) => toneOf(retransmitsOf(row), packetsOf(row), failing.retransmits),
      title: (row) => {
        const again = retransmitsOf(row)
        return again === undefined ? 'not measured' : number.exact(again)
      },
      cell: (row) => <Num figure={shareOf(retransmitsOf(row), packetsOf(row))} slot="u1" />,
    },
    countOf('connections'),
    {
      ...countOf('failed'),
      tone: (row) => {
        const failed = Number(row['failed'])
        return toneOf(failed, Math.max(failed, Number(row['opened'])), failing.connects)
      },
    },
  ]
}

function packetsOf(row: Values): number {
  return Number(row['packets']) + Number(row['reverse_packets'])
}

function foldedOf(row: Values): number {
  return Number(row['folded_ports'] ?? 0)
}

/** Shows only this edge; of a fold each of its ports. */
function filterBy(row: Values): void {
  const isFolded = foldedOf(row) > 0
  const by: readonly string[] = fieldsOf(row)
  const ends = isFolded ? by.filter((field) => field !== 'dst_port') : by
  const filters = ends.map((field) => ({ field, value: text(row, field) }))
  const state = withFilters(location$.get(), filters)
  commit(isFolded ? { ...state, fold: 'none' } : state)
}

function EdgeName({ row }: { readonly row: Values }) {
  const folded = foldedOf(row)
  const [src, dst] = fieldsOf(row)
  return (
    <button
      type="button"
      title={folded > 0 ? `Show each of these ${folded} ports` : 'Show only this edge'}
    >
      <Process name={text(row, src)} />
      <span class="arrow">→</span>
      <Process name={text(row, dst)} />
      {folded > 0 ? (
        <span>
          :* <span class="dim">{number.exact(folded)} ports</span>
        </span>
      ) : (
        <span>:{text(row, 'dst_port')}</span>
      )}
    </button>
  )
}

/** Sent to the left, received to the right, on one scale for all edges. */
function Bars({ row, most }: { readonly row: Values; readonly most: number }) {
  const [sent, back] = [Number(row['bytes']), Number(row['reverse_bytes'])]
  return (
    <svg class="bar2" viewBox="0 0 200 10" preserveAspectRatio="none" aria-hidden="true">
      <rect class="barfill" x={99.5 - (sent / most) * 99} width={(sent / most) * 99} height="10" />
      <rect class="barfill back" x="100.5" width={(back / most) * 99} height="10" />
    </svg>
  )
}

/** An edge may be there twice: folded, and without a port of its own. */
function keyOfEdge(row: Values): string {
  return [...fieldsOf(row), 'folded_ports'].map((field) => text(row, field)).join('|')
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
