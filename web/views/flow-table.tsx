// The connections, row by row: rows of fixed height, only those in sight are in the document.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Health, Values } from '../data/contract.ts'
import type { FlowRows } from '../data/flow-rows.ts'
import { addFilters, commit, hold, select } from '../data/page.ts'
import { keyOf, text } from '../domain/flow.ts'
import type { Filter, PageState } from '../domain/location.ts'
import { exact } from '../domain/number.ts'
import { visible } from '../domain/text.ts'
import { PanelCoverage } from './coverage-badge.tsx'
import { type FlowColumn, flowColumns } from './flow-columns.tsx'
import { Empty, ErrorState, Loading, NoAnswerYet } from './panel-state.tsx'
import { still } from './still.tsx'

interface FlowTableProps {
  readonly state: PageState
  readonly flows: FlowRows
  readonly selected: string | undefined
  readonly onSelect: (row: Values | undefined) => void
  readonly rangeText: string
  readonly nodes: Health['nodes'] | undefined
}

export function FlowTable(props: FlowTableProps) {
  const { flows } = props
  const empty = flows.rows.length === 0
  return (
    <section class={`panel flows ${flows.failure ? 'stale' : ''}`} aria-labelledby="flows-title">
      <header>
        <h2 id="flows-title">Connections</h2>
        <span class="sub">{empty ? '' : summary(flows)}</span>
        <span class="end">
          <PanelCoverage coverage={flows.coverage} />
        </span>
      </header>
      <WithoutRows {...props} />
      {!empty && <Rows {...props} />}
    </section>
  )
}

/** What stands in the panel when there are no rows, and above them when the question is wrong. */
function WithoutRows({ flows, rangeText, nodes }: FlowTableProps) {
  const { failure, rows, next, coverage } = flows
  if (failure && !failure.passing) return <ErrorState failure={failure} />
  if (rows.length > 0) return null
  if (failure) return <NoAnswerYet />
  if (next === undefined) return <Loading range={rangeText} />
  return <Empty what="No connection was seen." share={coverage?.share} nodes={nodes} />
}

function summary({ rows, next }: FlowRows): string {
  const all = next === null ? '' : ', older ones load as you scroll'
  return `${exact(rows.length)} ${rows.length === 1 ? 'row' : 'rows'}, one per interval${all}`
}

/** Rows drawn above and below those in sight. */
const spare = 8

function Rows({ state, flows, selected, onSelect }: FlowTableProps) {
  const body = useRef<HTMLTableSectionElement>(null)
  const above = useRef<HTMLTableCellElement>(null)
  const below = useRef<HTMLTableCellElement>(null)
  const [window$, setWindow] = useState({ first: 0, count: 40, rowHeight: 28 })
  const { rows } = flows
  const first = Math.max(0, Math.min(window$.first, rows.length - window$.count))
  const last = Math.min(rows.length, first + window$.count)

  useLayoutEffect(() => {
    setHeight(above.current, first * window$.rowHeight)
    setHeight(below.current, (rows.length - last) * window$.rowHeight)
  }, [first, last, rows.length, window$.rowHeight])

  useEffect(() => {
    function look(): void {
      const place = body.current
      if (!place) return
      const row = place.querySelector<HTMLElement>('tr.row')
      const rowHeight = row?.offsetHeight || 28
      const top = place.getBoundingClientRect().top
      const hidden = Math.max(0, -top)
      const next = Math.max(0, Math.floor(hidden / rowHeight) - spare)
      const count = Math.ceil(innerHeight / rowHeight) + 2 * spare
      setWindow((old) =>
        old.first === next && old.count === count && old.rowHeight === rowHeight
          ? old
          : { first: next, count, rowHeight },
      )
      // What is read must not move: below the first row, live stands still.
      hold('scroll', top < barHeight())
      if (place.getBoundingClientRect().bottom < innerHeight * 2) flows.more()
    }
    look()
    addEventListener('scroll', look, { passive: true })
    addEventListener('resize', look)
    return () => {
      removeEventListener('scroll', look)
      removeEventListener('resize', look)
    }
  }, [rows.length, flows.next])
  useEffect(() => () => hold('scroll', false), [])

  const columns = useColumns(state.select !== undefined)
  const keyboard = useKeyboard(rows, columns, { selected, onSelect })
  return (
    <table class="tbl flow-rows" aria-rowcount={rows.length + 1}>
      <colgroup>
        {columns.map(({ name }) => (
          <col key={name} class={`w-${name}`} />
        ))}
      </colgroup>
      <Head columns={columns} state={state} />
      <tbody ref={body}>
        <tr class="spacer-row">
          <td class="spacer" ref={above} colSpan={columns.length} />
        </tr>
        {rows.slice(first, last).map((row, index) => (
          <FlowRow
            key={keyOf(row)}
            row={row}
            columns={columns}
            index={first + index}
            selected={keyOf(row) === selected}
            at={keyboard.at}
            onSelect={onSelect}
          />
        ))}
        <tr class="spacer-row">
          <td class="spacer" ref={below} colSpan={columns.length} />
        </tr>
      </tbody>
    </table>
  )
}

interface HeadProps {
  readonly columns: readonly FlowColumn[]
  readonly state: PageState
}

function Head({ columns, state }: HeadProps) {
  const { order } = state
  function sort(field: string): void {
    commit({ ...state, order: order === `-${field}` ? field : `-${field}` })
  }
  return (
    <thead>
      <tr>
        {columns.map(({ name, head, class: cell, slot, sort: field }) => {
          const sorted = order.replace('-', '') === field
          const direction = order.startsWith('-') ? 'descending' : 'ascending'
          return (
            <th
              key={name}
              scope="col"
              class={`${cell} ${slot} ${sorted ? 'sorted' : ''}`}
              aria-sort={sorted ? direction : 'none'}
            >
              {field ? (
                <button type="button" onClick={() => sort(field)}>
                  {head}
                  {sorted && (direction === 'descending' ? ' ↓' : ' ↑')}
                </button>
              ) : (
                head
              )}
            </th>
          )
        })}
      </tr>
    </thead>
  )
}

interface FlowRowProps {
  readonly row: Values
  readonly columns: readonly FlowColumn[]
  readonly index: number
  readonly selected: boolean
  /** Name of the column that the keyboard is on. */
  readonly at: string
  readonly onSelect: (row: Values | undefined) => void
}

function FlowRow({ row, columns, index, selected, at, onSelect }: FlowRowProps) {
  const place = useRef<HTMLTableRowElement>(null)
  useEffect(() => {
    if (selected) place.current?.scrollIntoView({ block: 'nearest' })
  }, [selected])
  return (
    <tr
      ref={place}
      class={`row ${selected ? 'sel' : ''}`}
      aria-rowindex={index + 2}
      aria-selected={selected}
      data-key={keyOf(row)}
      tabIndex={0}
      onClick={() => onSelect(selected ? undefined : row)}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && event.target === event.currentTarget) onSelect(row)
      }}
    >
      <Cells row={row} columns={columns} at={selected ? at : ''} />
    </tr>
  )
}

interface CellsProps {
  readonly row: Values
  readonly columns: readonly FlowColumn[]
  /** Name of the column that the keyboard is on, in this row. */
  readonly at: string
}

/** New rows shift all others down: what is in a row is drawn once. */
const Cells = still(({ row, columns, at }: CellsProps) => (
  <>
    {columns.map(({ name, class: cell, cell: Cell, filters }) => {
      const own = filters?.(row) ?? []
      const marks = `${own.length > 0 ? 'can' : ''} ${at === name ? 'at' : ''}`
      return (
        <td key={name} class={`${cell} c-${name} ${marks}`}>
          <Cell row={row} />
          {own.length > 0 && <Plus filters={own} />}
        </td>
      )
    })}
  </>
))

/** The door from a value to a filter. */
function Plus({ filters }: { readonly filters: readonly Filter[] }) {
  const says = visible(
    `Show only ${filters.map(({ field, value }) => `${field} = ${value}`).join(', ')}`,
  )
  function filter(event: Event): void {
    event.stopPropagation()
    addFilters(filters)
  }
  return (
    <button
      type="button"
      class="plus"
      tabIndex={-1}
      title={says}
      aria-label={says}
      onClick={filter}
    >
      +
    </button>
  )
}

/** All columns where there is room for them. */
function useColumns(panelOpen: boolean): readonly FlowColumn[] {
  const [wide, setWide] = useState(innerWidth >= wideFrom)
  useEffect(() => {
    const look = () => setWide(innerWidth >= wideFrom)
    addEventListener('resize', look)
    return () => removeEventListener('resize', look)
  }, [])
  return wide && !panelOpen ? flowColumns : narrowColumns
}

const wideFrom = 1500
const narrowColumns = flowColumns.filter((column) => !column.wide)

interface Choice {
  readonly selected: string | undefined
  readonly onSelect: (row: Values) => void
}

/** j k rows, ← → cells, + filters by the cell: what keys.ts sends. */
function useKeyboard(
  rows: readonly Values[],
  columns: readonly FlowColumn[],
  choice: Choice,
): { at: string } {
  const [at, setAt] = useState('')
  const latest = useRef({ rows, columns, choice, at })
  latest.current = { rows, columns, choice, at }
  useEffect(() => {
    function act(event: Event): void {
      const now = latest.current
      const index = now.rows.findIndex((row) => keyOf(row) === now.choice.selected)
      const row = now.rows[index]
      const word = (event as CustomEvent<string>).detail
      if (word === 'left') setAt(neighbour(now.columns, now.at, -1))
      if (word === 'right') setAt(neighbour(now.columns, now.at, 1))
      if (word === 'plus' && row) addFilters(doorsOf(now.columns, now.at, row))
      if (word === 'next')
        now.choice.onSelect((now.rows[index + 1] ?? row ?? now.rows[0]) as Values)
      if (word === 'previous') now.choice.onSelect((now.rows[index - 1] ?? row) as Values)
    }
    addEventListener('weir-row', act)
    return () => removeEventListener('weir-row', act)
  }, [])
  return { at }
}

function doorsOf(columns: readonly FlowColumn[], at: string, row: Values): readonly Filter[] {
  return columns.find(({ name }) => name === at)?.filters?.(row) ?? []
}

/** The next column that can be filtered by. */
function neighbour(columns: readonly FlowColumn[], from: string, step: 1 | -1): string {
  const doors = columns.filter(({ filters }) => filters).map(({ name }) => name)
  return doors[doors.indexOf(from) + step] ?? from
}

/** Geometry that data decides goes through CSSOM: the policy forbids style attributes. */
function setHeight(element: HTMLElement | null, px: number): void {
  element?.style.setProperty('height', `${px}px`)
}

function barHeight(): number {
  return document.querySelector('.bar')?.getBoundingClientRect().height ?? 0
}

/** The connection of a row, for the URL. */
export function openRow(row: Values | undefined): void {
  select(row ? text(row, 'connection_id') : undefined)
}
