// The connections, row by row: rows of fixed height, only those in sight are in the document.

import { useEffect, useMemo, useState } from 'preact/hooks'
import { exact } from '../../../common/number/mod.ts'
import { useCell } from '../../data/cell.ts'
import type { Health, Values } from '../../data/contract.ts'
import type { ListRows } from '../../data/list-rows.ts'
import { model$ } from '../../data/model.ts'
import { commit, select } from '../../data/page.ts'
import { text } from '../../domain/flow.ts'
import { type PageState, viewOf } from '../../domain/location.ts'
import { PanelCoverage } from '../../views/coverage-badge.tsx'
import { Empty, ErrorState, Loading, Missed, NoAnswerYet } from '../../views/panel-state.tsx'
import { useSlice } from '../../views/slice.ts'
import { Table } from '../../views/table.tsx'
import { ColumnChooser, chosen$ } from './column-chooser.tsx'
import { type FlowColumn, flowColumns } from './flow-columns.tsx'
import { useKeyboard } from './keyboard.ts'

interface FlowTableProps {
  readonly state: PageState
  readonly flows: ListRows
  readonly selected: string | undefined
  readonly onSelect: (row: Values | undefined) => void
  readonly rangeText: string
  readonly nodes: Health['nodes'] | undefined
}

export function FlowTable(props: FlowTableProps) {
  const { flows } = props
  const { state } = props
  const columns = useColumns(viewOf(state), state.select !== undefined)
  const empty = flows.rows.length === 0
  return (
    <section class={`panel flows ${flows.failure ? 'stale' : ''}`} aria-labelledby="flows-title">
      <header>
        <h2 id="flows-title">Connections</h2>
        <span class="sub">{empty ? '' : summary(flows)}</span>
        <span class="end">
          <ColumnChooser shown={columns} />
          <PanelCoverage coverage={flows.coverage} />
        </span>
      </header>
      <Missed rows={flows.missed} what="row" />
      <WithoutRows {...props} />
      {!empty && <Rows {...props} columns={columns} />}
    </section>
  )
}

/** What stands in the panel when there are no rows, and above them when the question is wrong. */
function WithoutRows({ state, flows, rangeText, nodes }: FlowTableProps) {
  const { failure, rows, next, coverage } = flows
  if (failure && !failure.passing) return <ErrorState failure={failure} />
  if (rows.length > 0) return null
  if (failure) return <NoAnswerYet />
  if (next === undefined) return <Loading range={rangeText} />
  const what = viewOf(state) === 'interface' ? noInterface : 'No connection was seen.'
  return <Empty what={what} share={coverage?.share} nodes={nodes} />
}

const noInterface =
  'No packet of an interface was counted; weir up --interface NAME says which interfaces are watched.'

function summary({ rows, next }: ListRows): string {
  const all = next === null ? '' : ', older ones load as you scroll'
  return `${exact(rows.length)} ${rows.length === 1 ? 'row' : 'rows'}, one per interval${all}`
}

interface RowsProps extends FlowTableProps {
  readonly columns: readonly FlowColumn[]
}

function Rows({ state, flows, columns, selected, onSelect }: RowsProps) {
  const { rows } = flows
  const { keyOf } = useCell(model$).flows
  const { first, last, slice } = useSlice(rows.length, flows)
  const { at } = useKeyboard({ rows, columns, selected, onSelect })
  const { order } = state
  useEffect(() => {
    if (selected) document.querySelector('tr.row.sel')?.scrollIntoView({ block: 'nearest' })
  }, [selected])
  return (
    <Table
      name="flow-rows"
      columns={columns}
      rows={rows.slice(first, last)}
      keyOf={keyOf}
      slice={slice}
      order={order}
      onOrder={(field) => commit({ ...state, order: order === `-${field}` ? field : `-${field}` })}
      at={(row) => (keyOf(row) === selected ? at : '')}
      line={(row, index) => {
        const isSelected = keyOf(row) === selected
        return {
          class: `row ${isSelected ? 'sel' : ''}`,
          'aria-rowindex': first + index + 2,
          'aria-selected': isSelected,
          tabIndex: 0,
          onClick: () => onSelect(isSelected ? undefined : row),
          onKeyDown: (event) => {
            if (event.key === 'Enter' && event.target === event.currentTarget) onSelect(row)
          },
        }
      }}
    />
  )
}

/** The chosen columns, else the usual ones, all of them where there is room. */
function useColumns(view: ReturnType<typeof viewOf>, panelOpen: boolean): readonly FlowColumn[] {
  const { flows } = useCell(model$)
  const chosen = useCell(chosen$)
  const [width, setWidth] = useState(innerWidth)
  useEffect(() => {
    const look = () => setWidth(innerWidth)
    addEventListener('resize', look)
    return () => removeEventListener('resize', look)
  }, [])
  const roomy = width >= wideFrom && !panelOpen
  // Rows of two lines have a place for each usual column and for no other.
  const choosable = width > narrowTo
  return useMemo(() => {
    const fits = ({ usual, leaves }: FlowColumn) => usual && (roomy || leaves !== 'tight')
    const shown = ({ name }: FlowColumn) => choosable && (chosen?.has(name) ?? false)
    const columns = flowColumns(flows, view)
    const found = columns.filter(shown)
    return found.length > 0 ? found : columns.filter(fits)
  }, [flows, view, chosen, choosable, roomy])
}

const wideFrom = 1500
const narrowTo = 720

/** The connection of a row, for the URL. */
export function openRow(row: Values | undefined): void {
  select(row ? text(row, 'connection_id') : undefined)
}
