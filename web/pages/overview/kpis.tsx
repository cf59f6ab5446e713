// The six small multiples, one answer for all of them, and the same figures as a table.

import { useMemo } from 'preact/hooks'
import { count, exact, text, unmeasured, volume } from '../../../common/number/mod.ts'
import type { Answer } from '../../data/answer.ts'
import { useCell } from '../../data/cell.ts'
import type { SeriesAnswer, Values } from '../../data/contract.ts'
import { model$ } from '../../data/model.ts'
import { asTable$, location$ } from '../../data/page.ts'
import { isEstimated } from '../../domain/flow.ts'
import { type PageState, rangeOf } from '../../domain/location.ts'
import type { Words } from '../../domain/model.ts'
import * as series from '../../domain/series.ts'
import { dateTime, type Range, type Zone } from '../../domain/time.ts'
import { WhenAnswered } from '../../views/panel-state.tsx'
import { still } from '../../views/still.tsx'
import { type Column, Table } from '../../views/table.tsx'
import type { EventKpis } from './event-kpis.ts'
import { Kpi, type KpiShape } from './kpi.tsx'

const sumOf = (totals: Values, ...names: readonly string[]) =>
  names.reduce((sum, name) => sum + Number(totals[name] ?? 0), 0)

/** The sign of an estimate before a sum with rows that were sampled. */
const marked = (totals: Values, figure: string) => (isEstimated(totals) ? `~${figure}` : figure)

const shapes: readonly KpiShape[] = [
  {
    id: 'traffic',
    measures: [series.traffic],
    total: (totals) => marked(totals, text(volume(sumOf(totals, 'bytes', 'reverse_bytes')))),
    says: 'Right: volume of the range.',
  },
  {
    id: 'packets',
    measures: [series.packets],
    total: (totals) => marked(totals, text(count(sumOf(totals, 'packets', 'reverse_packets')))),
    says: 'Here in both directions. Right: number in the range.',
  },
  {
    id: 'opened',
    measures: [series.opened],
    total: (totals) => text(count(sumOf(totals, 'opened'))),
    says: 'Right: number in the range.',
  },
  {
    id: 'failed',
    measures: [series.failed],
    total: (totals) =>
      `${exact(sumOf(totals, 'failed'))} of ${text(count(sumOf(totals, 'opened')))}`,
    says: 'Here as a share of the attempts. Right: in the range.',
  },
  {
    id: 'retransmits',
    measures: [series.retransmits],
    total: (totals) => text(count(sumOf(totals, 'retransmits', 'reverse_retransmits'))),
    says: 'Here of both directions, as a share of the segments. Right: number in the range.',
  },
  {
    id: 'rtt',
    title: 'RTT',
    sub: 'p50, p95',
    measures: [series.rttMedian, series.rttHigh],
    says: '',
  },
]

const eventShapes: readonly KpiShape[] = [
  {
    id: 'drops',
    title: 'Drops',
    kind: 'drop',
    measures: [series.drops],
    total: (totals) => text(count(sumOf(totals, 'count'))),
    says: 'Packets that the kernel threw away. Right: number in the range.',
  },
  {
    id: 'resets',
    title: 'Resets',
    kind: 'reset',
    measures: [series.resets],
    total: (totals) => text(count(sumOf(totals, 'count'))),
    says: 'TCP resets sent and received. Right: number in the range.',
  },
]

/** What the question of the charts adds to range and filters: the step, and the metrics that they draw. */
export function seriesQuery(seconds: number): string {
  const query = new URLSearchParams({ step: `${seconds}s` })
  for (const metric of metrics) query.append('metrics', metric)
  return query.toString()
}

const metrics = [
  ...['bytes', 'packets', 'retransmits'].flatMap((name) => [name, `reverse_${name}`]),
  ...['opened', 'failed', 'rtt_p50_ns', 'rtt_p95_ns'],
]

interface KpisProps {
  /** Drops and resets over the same range. */
  readonly events: EventKpis
  readonly answer: Answer<SeriesAnswer>
  /** Of the whole range; undefined while they are not known. */
  readonly totals: Values | undefined
  /** How much of the range was watched; undefined when all. */
  readonly watched: string | undefined
  /** The state's range begins where an agent began, after the range that was asked for. */
  readonly young: boolean
  readonly state: PageState
  readonly rangeText: string
}

/** The table moves far more often than the charts do. */
export const Kpis = still(
  ({ answer, events, totals, watched, young, state, rangeText }: KpisProps) => {
    const asTable = useCell(asTable$)
    const range = useMemo(() => rangeOf(state, answer.atMs), [state.from, state.to, answer.atMs])
    const grid = useMemo(
      () => answer.data && series.gridOf(answer.data, range, answer.atMs),
      [answer.data, range],
    )
    const shown = useMemo(() => (grid ? series.watchedRange(grid, range) : range), [grid, range])
    if (asTable) return <AsTable answer={answer} grid={grid} rangeText={rangeText} />
    return (
      <div class="kpis">
        {shapes.map((shape) => (
          <Kpi
            key={shape.id}
            shape={shape}
            answer={answer}
            grid={grid}
            totals={totals}
            watched={watched}
            since={young || shown !== range}
            range={shown}
            rangeText={rangeText}
          />
        ))}
        {eventShapes.map((shape) => (
          <EventKpi
            key={shape.id}
            shape={shape}
            events={events}
            young={young}
            range={range}
            watched={watched}
            rangeText={rangeText}
          />
        ))}
      </div>
    )
  },
)

type EventKpiProps = Pick<KpisProps, 'events' | 'young' | 'watched' | 'rangeText'> & {
  readonly shape: KpiShape
  readonly range: Range
}

/** One kind of the answer of all events. */
function EventKpi({ shape, events, young, range, watched, rangeText }: EventKpiProps) {
  const { answer, none } = events
  const rows = useMemo(
    () => (answer.data?.rows ?? []).filter((row) => row['kind'] === shape.kind),
    [answer.data, shape],
  )
  const data = useMemo(
    () => answer.data && ({ ...answer.data, rows } as unknown as SeriesAnswer),
    [answer.data, rows],
  )
  const grid = useMemo(() => data && series.gridOf(data, range, answer.atMs), [data, range])
  const shown = grid ? series.watchedRange(grid, range) : range
  const all = rows.reduce((sum, row) => sum + Number(row['count']), 0)
  return (
    <Kpi
      none={none}
      shape={shape}
      answer={{ ...answer, data } as Answer<SeriesAnswer>}
      grid={grid}
      totals={data && { count: all }}
      watched={watched}
      since={young || shown !== range}
      range={shown}
      rangeText={rangeText}
    />
  )
}

interface AsTableProps {
  readonly answer: Answer<SeriesAnswer>
  readonly grid: series.Grid | undefined
  readonly rangeText: string
}

/** Every figure of the charts, newest first: for those who read rather than look. */
function AsTable({ answer, grid, rangeText }: AsTableProps) {
  const { zone } = useCell(location$)
  const { metrics } = useCell(model$)
  const columns = useMemo(() => grid && stepColumns(grid, metrics, zone), [grid, metrics, zone])
  return (
    <section class="panel" aria-labelledby="as-table">
      <header>
        <h2 id="as-table">Charts as a table</h2>
        <span class="sub">{grid ? `steps of ${grid.stepMs / 1000} s, newest first` : ''}</span>
      </header>
      <WhenAnswered answer={answer} range={rangeText}>
        {grid && columns && (
          <div class="steps-table">
            <Table
              name="steps"
              columns={columns}
              rows={Array.from(grid.timesMs, (timeMs, at) => ({ timeMs, at })).reverse()}
              keyOf={({ timeMs }) => String(timeMs)}
            />
          </div>
        )}
      </WhenAnswered>
    </section>
  )
}

/** A step of the charts: its begin, and its place in their values. */
interface Step {
  readonly timeMs: number
  readonly at: number
}

function stepColumns(grid: series.Grid, words: Words, zone: Zone): readonly Column<Step>[] {
  const measured = shapes.flatMap((shape) =>
    shape.measures.map((measure): Column<Step> => {
      const values = series.valuesOf(grid, measure)
      return {
        name: measure.metric,
        head: words.labelOf(measure.metric),
        help: words.helpOf(measure.metric),
        class: 'num',
        cell: ({ at }) => {
          const value = values[at]
          const isKnown = value !== null && value !== undefined
          return text(isKnown ? measure.format(value) : unmeasured)
        },
      }
    }),
  )
  const time: Column<Step> = {
    name: 'time',
    head: 'time',
    cell: ({ timeMs }) => dateTime(timeMs, zone),
    tone: () => 'mid',
  }
  return [time, ...measured]
}
