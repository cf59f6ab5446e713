// The one table of the page: columns as data, rows of any type.

import type { ComponentChildren, HTMLAttributes, RefObject } from 'preact'
import { addFilters, exclude } from '../data/page.ts'
import type { Filter } from '../domain/location.ts'
import { visible } from '../domain/text.ts'
import { still } from './still.tsx'

export interface Column<Row> {
  /** Name of the field; `col` has the class w-NAME, which sets the width, and cells have c-NAME. */
  readonly name: string
  /** Drawn anew each time, because an element must not be kept (still.tsx). */
  readonly head: string | (() => ComponentChildren)
  readonly cell: (row: Row) => ComponentChildren
  /** What the head says under the pointer. */
  readonly help?: string
  /** Classes of the head and of the cells. */
  readonly class?: string
  /** Class of the slot that units stand in, so that the head keeps it free too. */
  readonly slot?: string
  /** Class of a cell that depends on its row. */
  readonly tone?: (row: Row) => string
  /** What a cell says under the pointer. */
  readonly title?: (row: Row) => string
  /** The field or metric that the head sorts by. */
  readonly sort?: string
  /** What the + and − of a cell filter by. */
  readonly filters?: (row: Row) => readonly Filter[]
  /** The cells are the heads of their rows. */
  readonly rowHead?: true
  /** Where the column goes first: below 720 px, or wherever there is not room for all. */
  readonly leaves?: 'narrow' | 'tight'
}

/** The rows in sight of a longer list, and the places above and below that keep its height. */
export interface Slice {
  /** Rows of the whole list. */
  readonly all: number
  readonly body: RefObject<HTMLTableSectionElement | null>
  readonly above: RefObject<HTMLTableCellElement | null>
  readonly below: RefObject<HTMLTableCellElement | null>
}

interface TableProps<Row> {
  /** Class of the table. */
  readonly name: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  /** What the rows are sorted by: a name, `-` before it = descending. */
  readonly order?: string
  /** Makes the heads buttons. */
  readonly onOrder?: (field: string) => void
  /** Attributes of a row. */
  readonly line?: (row: Row, index: number) => HTMLAttributes<HTMLTableRowElement>
  /** What is said about a row, in a line of its own below it. */
  readonly note?: (row: Row) => ComponentChildren
  /** Name of the column that the keyboard is on, in that row. */
  readonly at?: (row: Row) => string
  readonly slice?: Slice
}

export function Table<Row>(props: TableProps<Row>) {
  const { name, columns, rows, keyOf, slice } = props
  return (
    <table class={`tbl ${name}`} aria-rowcount={slice && slice.all + 1}>
      <colgroup>
        {columns.map((column) => (
          <col key={column.name} class={`w-${column.name} ${leaving(column)}`} />
        ))}
      </colgroup>
      <Head {...props} />
      <tbody ref={slice?.body ?? null}>
        {slice && <Spacer place={slice.above} span={columns.length} />}
        {rows.map((row, index) => (
          <Line key={keyOf(row)} table={props} row={row} index={index} />
        ))}
        {slice && <Spacer place={slice.below} span={columns.length} />}
      </tbody>
    </table>
  )
}

function Head<Row>({ columns, order, onOrder }: TableProps<Row>) {
  return (
    <thead>
      <tr>
        {columns.map((column) => {
          const { name, help, class: own = '', slot = '', sort } = column
          const sorted = sort !== undefined && order?.replace('-', '') === sort
          const direction = order?.startsWith('-') ? 'descending' : 'ascending'
          const head = typeof column.head === 'string' ? column.head : column.head()
          const arrow = sorted && (direction === 'descending' ? ' ↓' : ' ↑')
          return (
            <th
              key={name}
              scope="col"
              class={`${own} ${slot} ${leaving(column)} ${sorted ? 'sorted' : ''}`}
              title={help || undefined}
              aria-sort={order === undefined ? undefined : sorted ? direction : 'none'}
            >
              {sort && onOrder ? (
                <button type="button" onClick={() => onOrder(sort)}>
                  {head}
                  {arrow}
                </button>
              ) : (
                <>
                  {head}
                  {arrow}
                </>
              )}
            </th>
          )
        })}
      </tr>
    </thead>
  )
}

interface LineProps<Row> {
  readonly table: TableProps<Row>
  readonly row: Row
  readonly index: number
}

function Line<Row>({ table, row, index }: LineProps<Row>) {
  const { columns, line, note, at } = table
  const attributes = line?.(row, index) ?? {}
  const said = note?.(row)
  return (
    <>
      <tr {...attributes} class={`${attributes.class ?? ''} ${said ? 'said' : ''}`}>
        <Cells row={row} columns={columns as readonly Column<unknown>[]} at={at?.(row) ?? ''} />
      </tr>
      {said && (
        <tr>
          <td colSpan={columns.length} class="wrap message">
            {said}
          </td>
        </tr>
      )}
    </>
  )
}

interface CellsProps {
  readonly row: unknown
  readonly columns: readonly Column<unknown>[]
  readonly at: string
}

/** New rows shift all others down: what is in a row is drawn once. */
const Cells = still(({ row, columns, at }: CellsProps) => (
  <>
    {columns.map((column) => {
      const { name, class: own = '', cell, tone, title, filters, rowHead } = column
      const doors = filters?.(row) ?? []
      const marks = `${doors.length > 0 ? 'can' : ''} ${at === name ? 'at' : ''}`
      const classes = `${own} c-${name} ${leaving(column)} ${tone?.(row) ?? ''} ${marks}`
      if (rowHead) {
        return (
          <th key={name} scope="row" class={classes}>
            {cell(row)}
          </th>
        )
      }
      return (
        <td key={name} class={classes} title={title?.(row)}>
          {cell(row)}
          {doors.length > 0 && (
            <>
              <Door sign="+" says="Show only" filters={doors} act={addFilters} />
              <Door sign="−" says="Leave out" filters={doors} act={exclude} />
            </>
          )}
        </td>
      )
    })}
  </>
))

interface DoorProps {
  readonly sign: '+' | '−'
  readonly says: string
  readonly filters: readonly Filter[]
  readonly act: (filters: readonly Filter[]) => void
}

/** The way from a value to a filter. */
function Door({ sign, says, filters, act }: DoorProps) {
  const values = filters.map(({ field, value }) => `${field} = ${value}`).join(', ')
  const label = visible(`${says} ${values}`)
  return (
    <button
      type="button"
      class={sign === '+' ? 'plus' : 'plus minus'}
      tabIndex={-1}
      title={label}
      aria-label={label}
      onClick={(event) => {
        event.stopPropagation()
        act(filters)
      }}
    >
      {sign}
    </button>
  )
}

interface SpacerProps {
  readonly place: RefObject<HTMLTableCellElement | null>
  readonly span: number
}

function Spacer({ place, span }: SpacerProps) {
  return (
    <tr class="spacer-row">
      <td class="spacer" ref={place} colSpan={span} />
    </tr>
  )
}

function leaving({ leaves }: { readonly leaves?: Column<unknown>['leaves'] }): string {
  return leaves === 'narrow' ? 'hide-s' : ''
}
