// One chart panel: title and coverage, the newest complete value, the plot, the waterline, the axis.

import { useMemo } from 'preact/hooks'
import { bare, type Figure, niceTop, text, unmeasured } from '../../../common/number/mod.ts'
import { type Line, Plot } from '../../charts/plot.tsx'
import { Waterline } from '../../charts/waterline.tsx'
import type { Answer } from '../../data/answer.ts'
import { useCell } from '../../data/cell.ts'
import type { SeriesAnswer, Values } from '../../data/contract.ts'
import { model$ } from '../../data/model.ts'
import { hover$, location$ } from '../../data/page.ts'
import { type Grid, type Measure, newest, valuesOf } from '../../domain/series.ts'
import { axisLabel, clock, type Range, type Zone } from '../../domain/time.ts'
import { PanelCoverage } from '../../views/coverage-badge.tsx'
import { WhenAnswered } from '../../views/panel-state.tsx'

export interface KpiShape {
  readonly id: string
  /** Of a chart of several metrics; else the label of its metric. */
  readonly title?: string
  readonly sub?: string
  /** The last one is the filled line; its values set the top. */
  readonly measures: readonly Measure[]
  /** Of the whole range, in grey at the right. */
  readonly total?: (totals: Values) => string
  /** The kind of events that it is about; else it is about flows. */
  readonly kind?: string
  /** What the chart makes of the metric. */
  readonly says: string
}

interface KpiProps {
  /** Why nothing can be shown; undefined when something can. */
  readonly none?: string | undefined
  /** How much of the range was watched; undefined when all. */
  readonly watched: string | undefined
  /** Nobody watched before the begin of what is shown. */
  readonly since: boolean
  readonly shape: KpiShape
  readonly answer: Answer<SeriesAnswer>
  readonly grid: Grid | undefined
  readonly totals: Values | undefined
  readonly range: Range
  readonly rangeText: string
}

export function Kpi({
  none,
  watched,
  since,
  shape,
  answer,
  grid,
  totals,
  range,
  rangeText,
}: KpiProps) {
  const { metrics } = useCell(model$)
  const stale = answer.failure !== undefined
  const { metric } = shape.measures[shape.measures.length - 1] as Measure
  const title = shape.title ?? metrics.labelOf(metric)
  return (
    <section class={`panel kpi ${stale ? 'stale' : ''}`} aria-labelledby={shape.id}>
      <div class="top">
        <h2 id={shape.id} title={`${metrics.helpOf(metric)} ${shape.says}`}>
          {title} {shape.sub && <span class="dim">{shape.sub}</span>}
        </h2>
        <PanelCoverage coverage={answer.data?.coverage} />
      </div>
      {none !== undefined ? (
        <div class="state">
          <p>
            <b>–</b> {none}
          </p>
        </div>
      ) : (
        <WhenAnswered answer={answer} range={rangeText}>
          {grid && (
            <Chart
              watched={watched}
              since={since}
              shape={shape}
              title={title}
              grid={grid}
              totals={totals}
              range={range}
              stale={stale}
            />
          )}
        </WhenAnswered>
      )}
    </section>
  )
}

interface ChartProps {
  readonly title: string
  readonly watched: string | undefined
  readonly since: boolean
  readonly shape: KpiShape
  readonly grid: Grid
  readonly totals: Values | undefined
  readonly range: Range
  readonly stale: boolean
}

function Chart({ watched, since, shape, title, grid, totals, range, stale }: ChartProps) {
  const { zone } = useCell(location$)
  const { metrics } = useCell(model$)
  const series = useMemo(
    () => shape.measures.map((measure) => ({ measure, values: valuesOf(grid, measure) })),
    [shape, grid],
  )
  const main = series[series.length - 1] as (typeof series)[number]
  // Room above the line for the label of the top.
  const highest = 1.35 * Math.max(0, ...main.values.map((value) => value ?? 0))
  const top = Math.min(niceTop(highest), main.measure.most ?? Number.POSITIVE_INFINITY)
  const lines = useMemo(
    () =>
      series.map(
        ({ values }, at): Line => ({ values, color: 's1', filled: at === series.length - 1 }),
      ),
    [series],
  )
  const sentence = series
    .map(
      ({ measure, values }) =>
        `${metrics.labelOf(measure.metric)} ${text(figureAt(measure, values, newest(values)))}`,
    )
    .join(', ')
  const axisRange = range.toMs - range.fromMs
  const middle = (range.fromMs + range.toMs) / 2
  return (
    <>
      <Value shape={shape} grid={grid} totals={totals} series={series} zone={zone} />
      <div class="plot" role="img" aria-label={`${title}: ${sentence} at the end of the range`}>
        <Plot grid={grid} lines={lines} range={range} top={top} stale={stale} />
        {highest > 0 && (
          <span class="ymax" aria-hidden="true">
            {text(bare(main.measure.format(top)))}
          </span>
        )}
      </div>
      <Waterline grid={grid} range={range} />
      <div class={since && watched ? 'xax young' : 'xax'} aria-hidden="true">
        <span>
          {since && 'since '}
          {axisLabel(range.fromMs, axisRange, zone)}
        </span>
        <span>{watched ? `watched ${watched}` : axisLabel(middle, axisRange, zone)}</span>
        <span>{axisLabel(range.toMs, axisRange, zone)}</span>
      </div>
    </>
  )
}

interface ValueProps {
  readonly shape: KpiShape
  readonly grid: Grid
  readonly totals: Values | undefined
  readonly series: readonly { measure: Measure; values: readonly (number | null)[] }[]
  readonly zone: Zone
}

/** The newest complete value; under a cursor the value there, with its time. */
function Value({ shape, grid, totals, series, zone }: ValueProps) {
  const hovered = useCell(hover$)
  const at = hovered === undefined ? undefined : stepAt(grid, hovered)
  return (
    <p class="val">
      {series.map(({ measure, values }, index) => {
        const figure = figureAt(measure, values, at ?? newest(values))
        return (
          <span key={measure.metric} class={index > 0 ? 'second' : ''}>
            <b title={exactTitle(values[at ?? newest(values)])}>{figure.value}</b>
            <i>{figure.unit}</i>
          </span>
        )
      })}
      <span class="delta">
        {at === undefined
          ? totals && shape.total?.(totals)
          : `at ${clock(grid.timesMs[at] as number, zone)}`}
      </span>
    </p>
  )
}

function stepAt(grid: Grid, ms: number): number | undefined {
  const at = Math.floor((ms - (grid.timesMs[0] ?? 0)) / grid.stepMs)
  return at >= 0 && at < grid.timesMs.length ? at : undefined
}

function figureAt(measure: Measure, values: readonly (number | null)[], at: number): Figure {
  const value = values[at]
  return value === null || value === undefined ? unmeasured : measure.format(value)
}

function exactTitle(value: number | null | undefined): string {
  return value === null || value === undefined ? 'not measured here' : String(value)
}
