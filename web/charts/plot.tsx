// One small chart: a thin wrapper that lets uPlot draw lines, and draws itself what uPlot does not know:
// the hatch where nobody watched. Colours, cursor and zoom are the page's.

import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { back, hold, holds$, hover$, theme$, zoom } from '../data/page.ts'
import type { Grid } from '../domain/series.ts'
import { unwatched } from '../domain/series.ts'
import type { Range } from '../domain/time.ts'
import { colorOf, fadedOf } from './palette.ts'

export interface Line {
  readonly values: readonly (number | null)[]
  /** Series class of tokens.css. */
  readonly color: 's1' | 's3'
  readonly filled: boolean
  /** Drawn from the middle downward. */
  readonly mirrored?: boolean
}

interface PlotProps {
  readonly grid: Grid
  readonly lines: readonly Line[]
  readonly range: Range
  readonly top: number
  /** Grey: the newest question got no answer. */
  readonly stale: boolean
}

const sync = uPlot.sync('page')

/** Whether Esc took the drag of now back. */
let dropped = false

/** Takes a running drag back; true when there was one. */
export function dropDrag(): boolean {
  if (!holds$.get().has('drag')) return false
  dropped = true
  document.dispatchEvent(new MouseEvent('mouseup', { bubbles: true }))
  return true
}

/** Fills its parent, whose CSS decides the height. Drag zooms on release, Esc drops it, double-click goes back. */
export function Plot(props: PlotProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const latest = useRef(props)
  latest.current = props

  useLayoutEffect(() => {
    const element = place.current as HTMLDivElement
    const made = new uPlot(optionsOf(element, latest), dataOf(props), element)
    plot.current = made
    const observer = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: element.clientHeight }),
    )
    observer.observe(element)
    const unwatch = theme$.watch(() => made.redraw(false))
    return () => {
      unwatch()
      observer.disconnect()
      sync.unsub(made)
      made.destroy()
    }
  }, [])

  useEffect(() => {
    plot.current?.setData(dataOf(props))
  }, [props.grid, props.lines, props.top, props.range.fromMs, props.range.toMs, props.stale])

  return <div class="u" ref={place} />
}

/** Values stand in the middle of their step. */
function dataOf({ grid, lines }: PlotProps): uPlot.AlignedData {
  const times = Array.from(grid.timesMs, (time) => time + grid.stepMs / 2)
  return [
    times,
    ...lines.map((line) => (line.mirrored ? line.values.map(negative) : [...line.values])),
  ]
}

function negative(value: number | null): number | null {
  return value === null ? null : -value
}

type Latest = { readonly current: PlotProps }

function optionsOf(element: HTMLElement, latest: Latest): uPlot.Options {
  const mirrored = latest.current.lines.some((line) => line.mirrored)
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    ms: 1,
    pxAlign: false,
    padding: [2, 0, 1, 0],
    legend: { show: false },
    axes: [{ show: false }, { show: false }],
    scales: {
      x: { time: false, range: () => [latest.current.range.fromMs, latest.current.range.toMs] },
      y: { range: () => [mirrored ? -latest.current.top : 0, latest.current.top] },
    },
    series: [{}, ...latest.current.lines.map((line, index) => seriesOf(latest, line, index))],
    cursor: cursorOf(),
    hooks: {
      drawClear: [(u) => drawGround(u, latest.current, mirrored)],
      setCursor: [(u) => tellHover(u)],
      setSelect: [(u) => zoomTo(u)],
    },
  }
}

function seriesOf(latest: Latest, line: Line, index: number): uPlot.Series {
  const color = () => (latest.current.stale ? 'so' : line.color)
  return {
    width: line.filled ? 1.6 : 1.2,
    stroke: () => fadedOf(color(), line.filled ? 1 : 0.62),
    ...(line.filled ? { fill: () => fadedOf(color(), 0.1) } : {}),
    spanGaps: false,
    // A value between two holes has no line to be seen by.
    points: {
      show: true,
      size: 4,
      width: 0,
      fill: () => colorOf(color()),
      filter: () => lonely(latest.current.lines[index]?.values ?? []),
    },
  }
}

function lonely(values: readonly (number | null)[]): number[] {
  const found: number[] = []
  values.forEach((value, at) => {
    const alone = (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null
    if (value !== null && alone) found.push(at)
  })
  return found
}

function cursorOf(): uPlot.Cursor {
  const moves = (type: string) => type === 'mousemove' || type === 'mouseleave'
  return {
    y: false,
    points: { show: false },
    drag: { x: true, y: false, setScale: false },
    sync: { key: 'page', setSeries: false, filters: { pub: moves, sub: moves } },
    bind: {
      mousedown: (_u, _target, handle) => (event) => {
        dropped = false
        hold('drag', true)
        addEventListener('mouseup', () => hold('drag', false), { once: true })
        return handle(event)
      },
      dblclick: () => () => {
        back()
        return null
      },
    },
  }
}

/** Which time the cursor is on; the plot under the pointer speaks for all. */
function tellHover(u: uPlot): void {
  const { left, event } = u.cursor
  if (event === undefined || event === null) return
  hover$.set(left === undefined || left < 0 ? undefined : u.posToVal(left, 'x'))
}

function zoomTo(u: uPlot): void {
  const { left, width } = u.select
  const [from, to] = [u.posToVal(left, 'x'), u.posToVal(left + width, 'x')]
  u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
  if (width >= 4 && !dropped) zoom(from, to)
}

function drawGround(u: uPlot, { grid }: PlotProps, mirrored: boolean): void {
  const { ctx } = u
  const { left, top, width, height } = u.bbox
  ctx.save()
  ctx.lineWidth = devicePixelRatio
  line(ctx, colorOf('grid'), [left, left + width, top + height / 2])
  const base = mirrored ? top + height / 2 : top + height - devicePixelRatio / 2
  line(ctx, colorOf('base'), [left, left + width, base])
  for (const [from, to] of unwatched(grid)) {
    const begin = u.valToPos((grid.timesMs[from] as number) ?? 0, 'x', true)
    const end = u.valToPos((grid.timesMs[to - 1] as number) + grid.stepMs, 'x', true)
    hatch(ctx, { left: begin, top, width: end - begin, height })
  }
  ctx.restore()
}

function line(ctx: CanvasRenderingContext2D, color: string, at: [number, number, number]): void {
  const [from, to, y] = at
  ctx.strokeStyle = color
  ctx.beginPath()
  ctx.moveTo(from, y)
  ctx.lineTo(to, y)
  ctx.stroke()
}

interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** Hatch means: nobody knows. */
function hatch(ctx: CanvasRenderingContext2D, { left, top, width, height }: Box): void {
  ctx.save()
  ctx.beginPath()
  ctx.rect(left, top, width, height)
  ctx.clip()
  ctx.strokeStyle = fadedOf('unknown', 0.55)
  ctx.beginPath()
  const gap = 6 * devicePixelRatio
  // Lines hang on the canvas, not on the box, so that neighbouring boxes join.
  for (let x = Math.floor((left - height) / gap) * gap; x < left + width; x += gap) {
    ctx.moveTo(x, top + height)
    ctx.lineTo(x + height, top)
  }
  ctx.stroke()
  ctx.restore()
}
