// A table that fits the screen, step by step: columns that only add detail leave, cells take their compact form,
// cells that may be cut are cut, and only when that is not enough do further columns leave. A head is never cut. Cells are escaped here, once,
// so no caller can forget it.

import { escaped } from './escape.ts'
import { padded, shortened, widthOf } from './width.ts'

export interface TableColumn<T> {
  readonly head: string
  readonly align?: 'left' | 'right'
  /** 0 stays always; the highest number leaves first. */
  readonly priority: number
  /** Detail: it leaves before any cell of another column is cut. */
  readonly detail?: true
  /** Columns that are left when it is cut, at least those of the head; without it the column is never cut. */
  readonly least?: number
  /** A shorter form of a cell, taken by all of the column before anything is cut. */
  readonly compact?: (text: string) => string
  /** How a cell is cut, and that it is cut after those that are cut in the middle. */
  readonly shorten?: (text: string, columns: number) => string
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
  let isCompact = false
  const heads = (): [TableColumn<T>, number][] =>
    all.map((column) => [column, widthOf(column.head)])
  let widths = new Map<TableColumn<T>, number>(heads())

  function cellsOf(rows: readonly T[]): readonly Cells<T>[] {
    const textOf = (column: TableColumn<T>, row: T): string => {
      const text = escaped(column.cell(row))
      return isCompact && column.compact ? column.compact(text) : text
    }
    const cells = rows.map((row) => new Map(all.map((column) => [column, textOf(column, row)])))
    for (const column of all) {
      const widest = Math.max(0, ...cells.map((line) => widthOf(line.get(column) as string)))
      widths.set(column, Math.max(widths.get(column) as number, widest))
    }
    return cells
  }

  function lines(rows: readonly T[]): readonly string[] {
    let cells = cellsOf(rows)
    const first = shown === undefined
    shown ??= fitting(all, widths, columns)
    const full = total(shown.map((column) => widths.get(column) as number))
    if (!isCompact && columns !== undefined && full > columns) {
      isCompact = true
      widths = new Map(heads())
      cells = cellsOf(rows)
    }
    const fit = cut(shown, widths, columns)
    const body = cells.map((line) => shown?.map((column) => line.get(column) as string) ?? [])
    const head = first ? [shown.map((column) => column.head)] : []
    return [...head, ...body].map((texts) => lineOf(texts, shown ?? [], fit))
  }

  return { lines }
}

type Cells<T> = ReadonlyMap<TableColumn<T>, string>

function lineOf<T>(
  texts: readonly string[],
  shown: readonly TableColumn<T>[],
  fit: ReadonlyMap<TableColumn<T>, number>,
): string {
  const cells = texts.map((text, at) => {
    const column = shown[at] as TableColumn<T>
    const width = fit.get(column) as number
    const cutText = column.least ? (column.shorten ?? shortened)(text, width) : text
    return padded(cutText, width, column.align ?? 'left')
  })
  return cells.join(gap).trimEnd()
}

/** The columns that stay. */
function fitting<T>(
  all: readonly TableColumn<T>[],
  widths: ReadonlyMap<TableColumn<T>, number>,
  columns: number | undefined,
): readonly TableColumn<T>[] {
  if (columns === undefined) return all
  const fullOf = (column: TableColumn<T>): number => widths.get(column) as number
  const leastOf = (column: TableColumn<T>): number => Math.min(leastWidth(column), fullOf(column))
  const isDetail = (column: TableColumn<T>): boolean => column.detail === true
  const whole = dropped(all, isDetail, (shown) => total(shown.map(fullOf)) <= columns)
  return dropped(
    whole,
    () => true,
    (shown) => total(shown.map(leastOf)) <= columns,
  )
}

/** Without the least important of the columns that may leave, one after the other, until the rest fits. */
function dropped<T>(
  all: readonly TableColumn<T>[],
  mayLeave: (column: TableColumn<T>) => boolean,
  fits: (shown: readonly TableColumn<T>[]) => boolean,
): readonly TableColumn<T>[] {
  let shown = all
  while (!fits(shown)) {
    const droppable = shown.filter((column) => column.priority > 0 && mayLeave(column))
    if (droppable.length === 0) break
    const worst = Math.max(...droppable.map((column) => column.priority))
    const last = droppable.findLast((column) => column.priority === worst)
    shown = shown.filter((column) => column !== last)
  }
  return shown
}

function leastWidth<T>(column: TableColumn<T>): number {
  if (column.least === undefined) return Number.POSITIVE_INFINITY
  return Math.max(column.least, widthOf(column.head))
}

/** Takes from the widest column that may be cut until the line fits; those with a way of their own come last. */
function cut<T>(
  shown: readonly TableColumn<T>[],
  widths: ReadonlyMap<TableColumn<T>, number>,
  columns: number | undefined,
): ReadonlyMap<TableColumn<T>, number> {
  const fit = new Map(shown.map((column) => [column, widths.get(column) as number]))
  const widthIn = (column: TableColumn<T>): number => fit.get(column) as number
  let excess = columns === undefined ? 0 : total([...fit.values()]) - columns
  while (excess > 0) {
    const cuttable = shown.filter((column) => widthIn(column) > leastWidth(column))
    const first = cuttable.filter((column) => column.shorten === undefined)
    const candidates = first.length > 0 ? first : cuttable
    if (candidates.length === 0) break
    const widest = candidates.reduce((one, other) => (widthIn(other) > widthIn(one) ? other : one))
    fit.set(widest, widthIn(widest) - 1)
    excess -= 1
  }
  return fit
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + gap.length * Math.max(0, widths.length - 1)
}
