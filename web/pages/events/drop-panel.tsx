// A reason explained: how it moved, what it means, what to do next, and the evidence.

import { useMemo } from 'preact/hooks'
import * as number from '../../../common/number/mod.ts'
import { Plot } from '../../charts/plot.tsx'
import { Waterline } from '../../charts/waterline.tsx'
import { useAnswer } from '../../data/answer.ts'
import type {
  EventGroupsAnswer,
  EventStepsAnswer,
  SeriesAnswer,
  Values,
} from '../../data/contract.ts'
import type { WordsByReason } from '../../data/drop-words.ts'
import { addFilters, commit } from '../../data/page.ts'
import { placeOf, text } from '../../domain/flow.ts'
import { apiQuery, type PageState, rangeOf } from '../../domain/location.ts'
import * as series from '../../domain/series.ts'
import { axisLabel } from '../../domain/time.ts'
import { WhenAnswered } from '../../views/panel-state.tsx'
import { SidePanel } from '../../views/side-panel.tsx'
import { type Column, Table } from '../../views/table.tsx'
import { Name } from '../../views/text.tsx'
import { Explanation } from './explanation.tsx'

interface DropPanelProps {
  readonly reason: string
  readonly state: PageState
  readonly intervalMs: number
  readonly words: WordsByReason | undefined
}

export function DropPanel({ reason, state, intervalMs, words }: DropPanelProps) {
  const own = { ...state, filters: [...state.filters, { field: 'reason', value: reason }] }
  return (
    <SidePanel label="Drop explained" title={<Name text={reason || 'unknown'} />}>
      <div class="blk">
        <Moves state={own} intervalMs={intervalMs} />
      </div>
      <Explanation reason={reason} words={words} state={state} />
      <div class="blk">
        <h3>Where in the kernel</h3>
        <Groups state={own} by={['location']} />
      </div>
      <div class="blk">
        <h3>Between whom</h3>
        <Groups state={own} by={['src_address', 'dst_address', 'dst_port', 'protocol']} />
      </div>
      <div class="blk">
        <div class="btns">
          <button
            type="button"
            class="ctl"
            onClick={() => {
              addFilters([{ field: 'reason', value: reason }])
              commit({ ...own, group: 'none', select: undefined })
            }}
          >
            One by one
          </button>
        </div>
      </div>
    </SidePanel>
  )
}

/** Packets per second over the range. */
function Moves({ state, intervalMs }: Omit<DropPanelProps, 'reason' | 'words'>) {
  const seconds = series.stepSeconds(rangeOf(state, Date.now()), intervalMs)
  const path = `/api/events/series?${apiQuery(state, [
    ['kind', 'drop'],
    ['step', `${seconds}s`],
  ])}`
  const answer = useAnswer<EventStepsAnswer>(path, undefined)
  const range = useMemo(() => rangeOf(state, answer.atMs), [state.from, state.to, answer.atMs])
  const grid = useMemo(
    () => answer.data && series.gridOf(answer.data as unknown as SeriesAnswer, range, answer.atMs),
    [answer.data, range],
  )
  const values = grid ? series.valuesOf(grid, series.drops) : []
  const most = Math.max(0, ...values.map((value) => value ?? 0))
  const length = range.toMs - range.fromMs
  return (
    <WhenAnswered answer={answer} range="how it moved">
      {grid && (
        <>
          <div
            class="plot"
            role="img"
            aria-label={`Packets dropped per second over time, at most ${number.text(number.rate(most))}`}
          >
            <Plot
              grid={grid}
              range={range}
              top={number.niceTop(1.35 * most)}
              stale={false}
              lines={[{ values, color: 's1', filled: true }]}
            />
            {most > 0 && (
              <span class="ymax" aria-hidden="true">
                {number.text(number.bare(number.rate(number.niceTop(1.35 * most))))}
              </span>
            )}
          </div>
          <Waterline grid={grid} range={range} />
          <div class="xax" aria-hidden="true">
            <span>{axisLabel(range.fromMs, length, state.zone)}</span>
            <span>{axisLabel(range.fromMs + length / 2, length, state.zone)}</span>
            <span>{axisLabel(range.toMs, length, state.zone)}</span>
          </div>
        </>
      )}
    </WhenAnswered>
  )
}

interface GroupsProps {
  readonly state: PageState
  readonly by: readonly string[]
}

const groupsMax = 5

function Groups({ state, by }: GroupsProps) {
  const path = `/api/events/top?${apiQuery(state, [
    ['kind', 'drop'],
    ...by.map((field) => ['by', field] as const),
    ['order', '-count'],
    ['limit', String(groupsMax)],
  ])}`
  const answer = useAnswer<EventGroupsAnswer>(path, undefined)
  const { data } = answer
  const more = data ? data.totals.groups - data.rows.length : 0
  return (
    <WhenAnswered answer={answer} range="its packets">
      {data && (
        <>
          <Table
            name="evidence"
            columns={by.length === 1 ? [place, packets] : [ends, packets]}
            rows={data.rows as readonly Values[]}
            keyOf={(row) => by.map((field) => text(row, field)).join('|')}
          />
          {more > 0 && <p class="dim sm">{number.exact(more)} more</p>}
        </>
      )}
    </WhenAnswered>
  )
}

const place: Column<Values> = {
  name: 'where',
  head: 'Code',
  class: 'mono',
  cell: (row) => <Name text={text(row, 'location') || '–'} />,
  filters: (row) => [{ field: 'location', value: text(row, 'location') }],
}

const ends: Column<Values> = {
  name: 'where',
  head: 'Source → destination',
  title: (row) => `${text(row, 'src_address')} → ${text(row, 'dst_address')}`,
  cell: (row) => (
    <>
      <Name text={placeOf(text(row, 'src_address'))} />
      <span class="arrow">→</span>
      <Name text={placeOf(text(row, 'dst_address'))} />
      {text(row, 'dst_port') !== '0' && `:${text(row, 'dst_port')}`}{' '}
      <span class="dim">{text(row, 'protocol')}</span>
    </>
  ),
  filters: (row) =>
    ['src_address', 'dst_address', 'dst_port'].map((field) => ({ field, value: text(row, field) })),
}

const packets: Column<Values> = {
  name: 'count',
  head: 'Packets',
  class: 'num',
  cell: (row) => number.text(number.count(Number(row['count']))),
}
