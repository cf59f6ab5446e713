// The six small multiples, one answer for all of them, and the same figures as a table.

import { useMemo } from 'preact/hooks'
import type { Answer } from '../data/answer.ts'
import { useCell } from '../data/cell.ts'
import type { SeriesAnswer, Values } from '../data/contract.ts'
import { asTable$, location$ } from '../data/page.ts'
import { type PageState, rangeOf } from '../domain/location.ts'
import { count, exact, text, unmeasured, volume } from '../domain/number.ts'
import * as series from '../domain/series.ts'
import { dateTime } from '../domain/time.ts'
import { Kpi, type KpiShape } from './kpi.tsx'
import { WhenAnswered } from './panel-state.tsx'
import { still } from './still.tsx'

const sumOf = (totals: Values, ...names: readonly string[]) =>
  names.reduce((sum, name) => sum + Number(totals[name] ?? 0), 0)

const shapes: readonly KpiShape[] = [
  {
    id: 'traffic',
    title: 'Traffic',
    measures: [series.traffic],
    total: (totals) => text(volume(sumOf(totals, 'bytes', 'reverse_bytes'))),
    help: 'Application bytes in both directions, each counted once. Right: volume of the range.',
  },
  {
    id: 'packets',
    title: 'Packets',
    measures: [series.packets],
    total: (totals) => text(count(sumOf(totals, 'packets', 'reverse_packets'))),
    help: 'TCP segments in both directions. Right: number in the range.',
  },
  {
    id: 'opened',
    title: 'New connections',
    measures: [series.opened],
    total: (totals) => text(count(sumOf(totals, 'opened'))),
    help: 'Connections and attempts whose opening was seen. Right: number in the range.',
  },
  {
    id: 'failed',
    title: 'Failed connects',
    measures: [series.failed],
    total: (totals) =>
      `${exact(sumOf(totals, 'failed'))} of ${text(count(sumOf(totals, 'opened')))}`,
    help: 'Share of attempts that were refused, timed out, or found no way. Right: in the range.',
  },
  {
    id: 'retransmits',
    title: 'Retransmits',
    measures: [series.retransmits],
    total: (totals) => text(count(sumOf(totals, 'retransmits', 'reverse_retransmits'))),
    help: 'Share of segments that were sent again. Right: number in the range.',
  },
  {
    id: 'rtt',
    title: 'RTT',
    sub: 'p50, p95',
    measures: [series.rttMedian, series.rttHigh],
    help: "Smoothed round-trip time of the kernel's sockets, over the rows of a step.",
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
export const Kpis = still(({ answer, totals, watched, young, state, rangeText }: KpisProps) => {
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
    </div>
  )
})

interface AsTableProps {
  readonly answer: Answer<SeriesAnswer>
  readonly grid: series.Grid | undefined
  readonly rangeText: string
}

/** Every figure of the charts, newest first: for those who read rather than look. */
function AsTable({ answer, grid, rangeText }: AsTableProps) {
  const { zone } = useCell(location$)
  const measures = shapes.flatMap((shape) =>
    shape.measures.map((measure) => ({
      name: shape.measures.length > 1 ? measure.name : shape.title,
      measure,
    })),
  )
  const columns = grid ? measures.map(({ measure }) => series.valuesOf(grid, measure)) : []
  return (
    <section class="panel" aria-labelledby="as-table">
      <header>
        <h2 id="as-table">Charts as a table</h2>
        <span class="sub">{grid ? `steps of ${grid.stepMs / 1000} s, newest first` : ''}</span>
      </header>
      <WhenAnswered answer={answer} range={rangeText}>
        {grid && (
          <div class="steps-table">
            <table class="tbl">
              <thead>
                <tr>
                  <th scope="col">time</th>
                  {measures.map(({ name }) => (
                    <th key={name} scope="col" class="num">
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {Array.from(grid.timesMs, (time, at) => ({ time, at }))
                  .reverse()
                  .map(({ time, at }) => (
                    <tr key={time}>
                      <td class="mid">{dateTime(time, zone)}</td>
                      {measures.map(({ name, measure }, column) => {
                        const value = columns[column]?.[at]
                        const known = value !== null && value !== undefined
                        return (
                          <td key={name} class="num">
                            {text(known ? measure.format(value) : unmeasured)}
                          </td>
                        )
                      })}
                    </tr>
                  ))}
              </tbody>
            </table>
          </div>
        )}
      </WhenAnswered>
    </section>
  )
}
