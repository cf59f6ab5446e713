// Connects that failed: who tried what, and why it did not work. The responder's process is seldom known then, so
// the place stands for it.

import { useMemo } from 'preact/hooks'
import * as number from '../../../common/number/mod.ts'
import { useCell } from '../../data/cell.ts'
import type { Values } from '../../data/contract.ts'
import { model$ } from '../../data/model.ts'
import { addFilters } from '../../data/page.ts'
import { placeOf, text } from '../../domain/flow.ts'
import { apiQuery, type PageState } from '../../domain/location.ts'
import type { Words } from '../../domain/model.ts'
import { type Column, Table } from '../../views/table.tsx'
import { Name } from '../../views/text.tsx'

export const failedOrder = '-failed'

const by = ['src_process', 'dst_address', 'dst_port', 'end_reason', 'errno'] as const
const reasons = 'end_reason in (refused, unreachable, no_port, abandoned, timeout)'
const shown = 8

/** The question of the list: only ends that a failed connect can have. */
export function failedQuery(state: PageState): string {
  const filter = state.filter === '' ? reasons : `(${state.filter}) and ${reasons}`
  return apiQuery({ ...state, filter }, [
    ...by.map((field) => ['by', field] as const),
    ...['failed', 'opened', 'connections'].map((metric) => ['metrics', metric] as const),
    ['order', failedOrder],
    ['limit', String(shown)],
    ['fold', 'none'],
  ])
}

/** Groups in which a connect failed: an established connection may have timed out too. */
export function failedRows(rows: readonly Values[]): readonly Values[] {
  return rows.filter((row) => Number(row['failed']) > 0)
}

export function Failed({ rows }: { readonly rows: readonly Values[] }) {
  const { metrics } = useCell(model$)
  const columns = useMemo(() => failedColumns(metrics), [metrics])
  return (
    <Table
      name="edges failed"
      columns={columns}
      rows={rows}
      keyOf={(row) => by.map((field) => text(row, field)).join('|')}
      order={failedOrder}
      line={(row) => ({ class: 'door', onClick: () => addFilters(filtersOf(row)) })}
    />
  )
}

function filtersOf(row: Values) {
  return by.map((field) => ({ field, value: text(row, field) }))
}

function failedColumns(words: Words): readonly Column<Values>[] {
  return [
    { name: 'edge', head: 'Initiator → place', class: 'ends', cell: (row) => <Edge row={row} /> },
    {
      name: 'why',
      head: 'Why',
      tone: () => 'bad',
      cell: (row) => <Name text={whyOf(row)} />,
    },
    {
      name: 'failed',
      head: words.labelOf('failed'),
      help: words.helpOf('failed'),
      class: 'num',
      sort: 'failed',
      title: (row) => number.exact(Number(row['failed'])),
      cell: (row) => number.text(number.count(Number(row['failed']))),
    },
  ]
}

/** `ECONNREFUSED`, else the reason of the end. */
function whyOf(row: Values): string {
  return text(row, 'errno') || text(row, 'end_reason').replaceAll('_', ' ')
}

function Edge({ row }: { readonly row: Values }) {
  const process = text(row, 'src_process')
  return (
    <button type="button" title="Show only these connects">
      {process === '' ? <span class="ns">unknown</span> : <Name text={process} />}
      <span class="arrow">→</span>
      <Name text={placeOf(text(row, 'dst_address'))} />
      <span>:{text(row, 'dst_port')}</span>
    </button>
  )
}
