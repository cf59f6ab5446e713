// Events one by one, the newest first.

import { useMemo } from 'preact/hooks'
import { exact } from '../../../common/number/mod.ts'
import { useCell } from '../../data/cell.ts'
import type { Health, Values } from '../../data/contract.ts'
import type { ListRows } from '../../data/list-rows.ts'
import { model$ } from '../../data/model.ts'
import { select } from '../../data/page.ts'
import { useProbe } from '../../data/probes.ts'
import { type Tab, tabs } from '../../domain/event.ts'
import { text } from '../../domain/flow.ts'
import type { PageState } from '../../domain/location.ts'
import { PanelCoverage } from '../../views/coverage-badge.tsx'
import { Empty, ErrorState, Loading, Missed, NoAnswerYet } from '../../views/panel-state.tsx'
import { useSlice } from '../../views/slice.ts'
import { Table } from '../../views/table.tsx'
import { eventColumns } from './event-columns.tsx'

interface EventListProps {
  readonly state: PageState
  readonly events: ListRows
  readonly rangeText: string
  readonly nodes: Health['nodes'] | undefined
}

export function EventList({ state, events, rangeText, nodes }: EventListProps) {
  const { rows, failure, missed, coverage } = events
  return (
    <section class={`panel flows ${failure ? 'stale' : ''}`} aria-labelledby="events-title">
      <header>
        <h2 id="events-title">{titleOf(state.kind).title}</h2>
        <span class="sub">{rows.length > 0 && summary(events)}</span>
        <span class="end">
          <PanelCoverage coverage={coverage} />
        </span>
      </header>
      <Missed rows={missed} what="event" />
      <WithoutRows state={state} events={events} rangeText={rangeText} nodes={nodes} />
      {rows.length > 0 && <Rows state={state} events={events} />}
    </section>
  )
}

function WithoutRows({ state, events, rangeText, nodes }: EventListProps) {
  const { failure, rows, next, coverage } = events
  if (failure && !failure.passing) return <ErrorState failure={failure} />
  if (rows.length > 0) return null
  if (failure) return <NoAnswerYet />
  if (next === undefined) return <Loading range={rangeText} />
  return <NothingOf state={state} share={coverage?.share} nodes={nodes} />
}

interface NothingProps {
  readonly state: PageState
  readonly share: number | null | undefined
  readonly nodes: Health['nodes'] | undefined
}

/** That nothing happened is said only where somebody would have seen it. */
export function NothingOf({ state, share, nodes }: NothingProps) {
  const { probe, nothing } = titleOf(state.kind)
  const isSeen = useProbe(probe, state)
  if (isSeen === undefined) return <NoAnswerYet />
  if (isSeen) return <Empty what={nothing} share={share} nodes={nodes} />
  return (
    <div class="state">
      <p class="strong">Nobody would see it: no node ran the probe “{probe}” in this range.</p>
      <p>The page of nodes says why.</p>
    </div>
  )
}

export function titleOf(kind: string): Tab {
  const found = tabs.find((tab) => tab.kind === kind)
  // A kind without a tab is one that its own probe would fill.
  return found ?? { kind, title: kind, probe: kind, nothing: 'There is no such event.' }
}

function summary({ rows, next }: ListRows): string {
  const all = next === null ? '' : ', older ones load as you scroll'
  return `${exact(rows.length)} ${rows.length === 1 ? 'event' : 'events'}${all}`
}

interface RowsProps {
  readonly state: PageState
  readonly events: ListRows
}

function Rows({ state, events }: RowsProps) {
  const { rows } = events
  const { keyOf } = useCell(model$).events
  const { first, last, slice } = useSlice(rows.length, events)
  const columns = useMemo(() => eventColumns(state.kind), [state.kind])
  return (
    <Table
      name="flow-rows event-rows"
      columns={columns}
      rows={rows.slice(first, last)}
      keyOf={keyOf}
      slice={slice}
      line={(row, index) => {
        const isSelected = selectionOf(row) === state.select
        const toggle = () => select(isSelected ? undefined : selectionOf(row))
        return {
          class: `row ${isSelected ? 'sel' : ''}`,
          'aria-rowindex': first + index + 2,
          'aria-selected': isSelected,
          tabIndex: 0,
          onClick: toggle,
          onKeyDown: (event) => {
            if (event.key === 'Enter' && event.target === event.currentTarget) toggle()
          },
        }
      }}
    />
  )
}

/** An event has no id of its own: its moment, to the nanosecond, stands for it in the URL. */
export function selectionOf(row: Values): string {
  return text(row, 'time')
}
