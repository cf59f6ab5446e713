// Who else gets the rows: how far each receiver is, and what went wrong last. Nothing when nobody does.

import { duration, exact, text } from '../../../common/number/mod.ts'
import { useAnswer } from '../../data/answer.ts'
import type { ExportsAnswer } from '../../data/contract.ts'
import { Mark } from '../../views/icons.tsx'
import { type Column, Table } from '../../views/table.tsx'
import { Name } from '../../views/text.tsx'

const refreshEveryMs = 10_000

type Export = ExportsAnswer['rows'][number]

export function Exports({ live }: { readonly live: boolean }) {
  const answer = useAnswer<ExportsAnswer>('/api/exports', live ? refreshEveryMs : undefined)
  const rows = answer.data?.rows ?? []
  if (rows.length === 0) return null
  return (
    <section class={`panel ${answer.failure ? 'stale' : ''}`} aria-labelledby="exports">
      <header>
        <h2 id="exports">Exports</h2>
        <span class="sub">who else gets the rows, since central started</span>
      </header>
      <Table name="exports" columns={columns} rows={rows} keyOf={({ name }) => name} />
    </section>
  )
}

const columns: readonly Column<Export>[] = [
  { name: 'name', head: 'Export', cell: ({ name }) => <Name text={name} /> },
  {
    name: 'target',
    head: 'Receiver',
    leaves: 'narrow',
    cell: ({ target }) => <Name text={target} />,
  },
  {
    name: 'state',
    head: 'State',
    tone: ({ state }) => (state === 'retrying' ? 'warn' : 'mid'),
    cell: ({ state }) => (
      <span class="word">
        {state === 'retrying' && <Mark level="warn" />}
        {state}
      </span>
    ),
  },
  { name: 'rows', head: 'Rows', class: 'num', cell: ({ rows }) => exact(rows) },
  { name: 'lag_rows', head: 'Waiting', class: 'num', cell: ({ lag_rows: lag }) => exact(lag) },
  {
    name: 'lag_ms',
    head: 'For',
    class: 'num',
    leaves: 'narrow',
    cell: ({ lag_ms: lag }) => (lag === 0 ? '' : text(duration(lag * 1e6))),
  },
  {
    name: 'lost_rows',
    head: 'Lost',
    class: 'num',
    tone: ({ lost_rows: lost }) => (lost > 0 ? 'bad' : 'mid'),
    cell: ({ lost_rows: lost }) => exact(lost),
  },
  {
    name: 'last_error',
    head: 'Last error',
    tone: () => 'mid wrap',
    cell: ({ last_error: error }) => <Name text={error} />,
  },
]
