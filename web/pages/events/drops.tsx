// Drops by reason: how many packets, and since when. A reason opens its explanation beside the list.

import * as number from '../../../common/number/mod.ts'
import type { Answer } from '../../data/answer.ts'
import { useCell } from '../../data/cell.ts'
import type { EventGroupsAnswer, Health, Values } from '../../data/contract.ts'
import type { WordsByReason } from '../../data/drop-words.ts'
import { location$, select } from '../../data/page.ts'
import { text } from '../../domain/flow.ts'
import { apiQuery, type PageState } from '../../domain/location.ts'
import { clock, dateTime, msOf } from '../../domain/time.ts'
import { PanelCoverage } from '../../views/coverage-badge.tsx'
import { WhenAnswered } from '../../views/panel-state.tsx'
import { type Column, Table } from '../../views/table.tsx'
import { Name, Num } from '../../views/text.tsx'
import { NothingOf } from './event-list.tsx'

const reasonsMax = 100

/** The question of the list. */
export function reasonsPath(state: PageState): string {
  return `/api/events/top?${apiQuery(state, [
    ['kind', 'drop'],
    ['by', 'reason'],
    ['order', '-count'],
    ['limit', String(reasonsMax)],
  ])}`
}

interface ReasonsProps {
  readonly state: PageState
  readonly answer: Answer<EventGroupsAnswer>
  readonly rangeText: string
  readonly nodes: Health['nodes'] | undefined
  readonly words: WordsByReason | undefined
}

export function Reasons({ state, answer, rangeText, nodes, words }: ReasonsProps) {
  const { data } = answer
  const all = data?.totals.count ?? 0
  return (
    <section class={`panel ${answer.failure ? 'stale' : ''}`} aria-labelledby="reasons">
      <header>
        <h2 id="reasons">Why packets were dropped</h2>
        <span class="sub">{data && data.rows.length > 0 && summary(data)}</span>
        <span class="end">
          <PanelCoverage coverage={data?.coverage} />
        </span>
      </header>
      <WhenAnswered answer={answer} range={rangeText}>
        {data && data.rows.length > 0 ? (
          <Table
            name="reasons"
            columns={columnsOf(all, words)}
            rows={data.rows as readonly Values[]}
            keyOf={(row) => text(row, 'reason')}
            order="-count"
            line={(row) => lineOf(row, state)}
          />
        ) : (
          <NothingOf state={state} share={data?.coverage.share} nodes={nodes} />
        )}
      </WhenAnswered>
    </section>
  )
}

function summary({ rows, totals }: EventGroupsAnswer): string {
  const packets = `${number.exact(totals.count)} ${totals.count === 1 ? 'packet' : 'packets'}`
  const reasons = `${number.exact(totals.groups)} ${totals.groups === 1 ? 'reason' : 'reasons'}`
  return rows.length < totals.groups
    ? `${packets}, the ${rows.length} most frequent of ${reasons}`
    : `${packets}, ${reasons}`
}

function lineOf(row: Values, { select: open }: PageState) {
  const reason = text(row, 'reason')
  const isSelected = open === reason
  const toggle = () => select(isSelected ? undefined : reason)
  return {
    class: `door ${isSelected ? 'sel' : ''}`,
    'aria-selected': isSelected,
    onClick: toggle,
  }
}

function columnsOf(all: number, words: WordsByReason | undefined): readonly Column<Values>[] {
  return [
    {
      name: 'reason',
      head: 'Reason',
      class: 'ends',
      cell: (row) => (
        <button type="button" title="Explain this reason" class="mono">
          <Name text={text(row, 'reason') || 'unknown'} />
        </button>
      ),
    },
    {
      name: 'means',
      head: 'What it means',
      leaves: 'narrow',
      title: (row) => words?.get(text(row, 'reason') || 'unknown')?.meaning ?? '',
      cell: (row) => words?.get(text(row, 'reason') || 'unknown')?.title ?? '–',
    },
    {
      name: 'count',
      head: 'Packets',
      class: 'num',
      sort: 'count',
      title: (row) => number.exact(Number(row['count'])),
      cell: (row) => number.text(number.count(Number(row['count']))),
    },
    {
      name: 'share',
      head: 'of all',
      class: 'num',
      leaves: 'narrow',
      cell: (row) => number.text(number.percent(all > 0 ? Number(row['count']) / all : 0)),
    },
    {
      name: 'bytes',
      head: 'Volume',
      class: 'num',
      slot: 'u2',
      cell: (row) => <Num figure={number.volume(Number(row['bytes']))} slot="u2" />,
    },
    {
      name: 'first',
      head: 'First',
      class: 'mid',
      leaves: 'narrow',
      cell: (row) => <When row={row} of="first" />,
    },
    { name: 'last', head: 'Last', class: 'mid', cell: (row) => <When row={row} of="last" /> },
  ]
}

function When({ row, of }: { readonly row: Values; readonly of: string }) {
  const { zone } = useCell(location$)
  const time = text(row, of)
  return <time title={dateTime(msOf(time), zone)}>{clock(msOf(time), zone)}</time>
}
