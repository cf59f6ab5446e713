// A table that fits the screen: the least important columns leave first, then what may be cut is cut in the
// middle. Cells are escaped here, once, so no caller can forget it.

import { escaped } from './escape.ts'
import { padded, shortened, widthOf } from './width.ts'

export interface TableColumn<T> {
  readonly head: string
  readonly align?: 'left' | 'right'
  /** 0 stays always; the highest number leaves first. */
  readonly priority: number
  /** Columns that are left when it is cut; without it the column is never cut. */
  readonly least?: number
  readonly cell: (row: T) => string
}

export interface TablePrinter<T> {
  /** Lines of these rows, below the head when they are the first. */
  readonly lines: (rows: readonly T[]) => readonly string[]
}

const gap = '  '

/**
 * Prints rows in batches under one head. Widths grow with what comes, but columns that left with the first
 * batch stay away. `columns` undefined: nothing needs to fit.
 */
export function createTable<T>(
  all: readonly TableColumn<T>[],
  columns: number | undefined,
): TablePrinter<T> {
  let shown: readonly TableColumn<T>[] | undefined
  const widths = new Map<TableColumn<T>, number>(
    all.map((column) => [column, widthOf(column.head)]),
  )

  function lines(rows: readonly T[]): readonly string[] {
    const cells = rows.map((row) => new Map(all.map((c) => [c, escaped(c.cell(row))])))
    for (const column of all) {
      const widest = Math.max(0, ...cells.map((line) => widthOf(line.get(column) as string)))
      widths.set(column, Math.max(widths.get(column) as number, widest))
    }
    const first = shown === undefined
    shown ??= fitting(all, widths, columns)
    const fit = cut(shown, widths, columns)
    const body = cells.map((line) => shown?.map((column) => line.get(column) as string) ?? [])
    const heads = first ? [shown.map((column) => column.head)] : []
    return [...heads, ...body].map((texts) => lineOf(texts, shown ?? [], fit))
  }

  return { lines }
}

function lineOf<T>(
  texts: readonly string[],
  shown: readonly TableColumn<T>[],
  fit: ReadonlyMap<TableColumn<T>, number>,
): string {
  const cells = texts.map((text, at) => {
    const column = shown[at] as TableColumn<T>
    const width = fit.get(column) as number
    return padded(column.least ? shortened(text, width) : text, width, column.align ?? 'left')
  })
  return cells.join(gap).trimEnd()
}

/** Drops columns until the rest fits at its least widths. */
function fitting<T>(
  all: readonly TableColumn<T>[],
  widths: ReadonlyMap<TableColumn<T>, number>,
  columns: number | undefined,
): readonly TableColumn<T>[] {
  let shown = all
  if (columns === undefined) return shown
  const leastOf = (column: TableColumn<T>): number =>
    Math.min(column.least ?? Number.POSITIVE_INFINITY, widths.get(column) as number)
  for (;;) {
    const droppable = shown.filter((column) => column.priority > 0)
    if (total(shown.map(leastOf)) <= columns || droppable.length === 0) return shown
    const worst = Math.max(...droppable.map((column) => column.priority))
    const last = droppable.findLast((column) => column.priority === worst)
    shown = shown.filter((column) => column !== last)
  }
}

/** Takes from the widest column that may be cut until the line fits. */
function cut<T>(
  shown: readonly TableColumn<T>[],
  widths: ReadonlyMap<TableColumn<T>, number>,
  columns: number | undefined,
): ReadonlyMap<TableColumn<T>, number> {
  const fit = new Map(shown.map((column) => [column, widths.get(column) as number]))
  let excess = columns === undefined ? 0 : total([...fit.values()]) - columns
  while (excess > 0) {
    const candidates = shown.filter((column) => (fit.get(column) as number) > (column.least ?? 1e9))
    if (candidates.length === 0) break
    const widest = candidates.reduce((one, other) =>
      (fit.get(other) as number) > (fit.get(one) as number) ? other : one,
    )
    fit.set(widest, (fit.get(widest) as number) - 1)
    excess -= 1
  }
  return fit
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + gap.length * Math.max(0, widths.length - 1)
}
