// What each interface carried in the range, both ways; only where an agent counts on interfaces.

import { count, exact, text, volume } from '../../../common/number/mod.ts'
import { useAnswer } from '../../data/answer.ts'
import type { TopAnswer, Values } from '../../data/contract.ts'
import { commit, location$ } from '../../data/page.ts'
import { isEstimated } from '../../domain/flow.ts'
import { withFilters } from '../../domain/location.ts'
import { PanelCoverage } from '../../views/coverage-badge.tsx'
import { WhenAnswered } from '../../views/panel-state.tsx'
import { type Column, Table } from '../../views/table.tsx'
import { Estimate, Name } from '../../views/text.tsx'

const refreshEveryMs = 10_000
const shown = 100

interface InterfacesProps {
  readonly from: string
  readonly to: string
  readonly rangeText: string
  readonly live: boolean
}

/** Nothing when no row of an interface was reported. */
export function Interfaces({ from, to, rangeText, live }: InterfacesProps) {
  const answer = useAnswer<TopAnswer>(
    `/api/top?${queryOf(from, to)}`,
    live ? refreshEveryMs : undefined,
  )
  const { data } = answer
  if (data && data.rows.length === 0) return null
  return (
    <section class={`panel ${answer.failure ? 'stale' : ''}`} aria-labelledby="interfaces">
      <header>
        <h2 id="interfaces">Interfaces</h2>
        <span class="sub">{data && `${exact(Number(data.totals['groups']))}, ${rangeText}`}</span>
        <span class="end">
          <PanelCoverage coverage={data?.coverage} />
        </span>
      </header>
      <WhenAnswered answer={answer} range={rangeText}>
        {data && (
          <Table
            name="interfaces"
            columns={columns}
            rows={data.rows}
            keyOf={(row) => `${row['node']} ${row['interface']}`}
          />
        )}
      </WhenAnswered>
    </section>
  )
}

function queryOf(from: string, to: string): string {
  const query = new URLSearchParams({ from, to, view: 'interface', limit: String(shown) })
  for (const field of ['node', 'interface']) query.append('by', field)
  for (const metric of metrics) query.append('metrics', metric)
  return query.toString()
}

const metrics = [
  'bytes',
  'reverse_bytes',
  'packets',
  'reverse_packets',
  'connections',
  'total',
  'estimated',
]

const sumOf = (row: Values, name: string) =>
  Number(row[name] ?? 0) + Number(row[`reverse_${name}`] ?? 0)

const columns: readonly Column<Values>[] = [
  { name: 'node', head: 'Node', cell: (row) => <Name text={String(row['node'])} /> },
  {
    name: 'interface',
    head: 'Interface',
    cell: (row) => (
      <button type="button" class="lnk" title="Its flows" onClick={() => openFlows(row)}>
        <Name text={String(row['interface'])} />
      </button>
    ),
  },
  {
    name: 'bytes',
    head: 'L3 bytes',
    class: 'num',
    cell: (row) => (
      <span title={exact(sumOf(row, 'bytes'))}>
        {isEstimated(row) && <Estimate />}
        {text(volume(sumOf(row, 'bytes')))}
      </span>
    ),
  },
  {
    name: 'packets',
    head: 'Packets',
    class: 'num',
    cell: (row) => (
      <span title={exact(sumOf(row, 'packets'))}>
        {isEstimated(row) && <Estimate />}
        {text(count(sumOf(row, 'packets')))}
      </span>
    ),
  },
  {
    name: 'connections',
    head: 'Flows',
    class: 'num',
    leaves: 'narrow',
    cell: (row) => text(count(Number(row['connections'] ?? 0))),
  },
]

function openFlows(row: Values): void {
  const filters = ['node', 'interface'].map((field) => ({ field, value: String(row[field]) }))
  const state = {
    ...location$.get(),
    page: 'flows',
    filters: [],
    filter: '',
    select: undefined,
  } as const
  commit(withFilters(state, [{ field: 'view', value: 'interface' }, ...filters]))
}
