// Flows: which connections exactly. The table, and the row that is open beside it.

import { useEffect, useState } from 'preact/hooks'
import { exact } from '../../../common/number/mod.ts'
import { useCell } from '../../data/cell.ts'
import type { Values } from '../../data/contract.ts'
import { useListRows } from '../../data/list-rows.ts'
import { model$ } from '../../data/model.ts'
import { serverNow } from '../../data/request.ts'
import { text } from '../../domain/flow.ts'
import { rangeOf } from '../../domain/location.ts'
import { rangeLabel } from '../../domain/time.ts'
import { PageFrame, type PageProps } from '../../views/page-frame.tsx'
import { FlowTable, openRow } from './flow-table.tsx'
import { RowPanel } from './row-panel.tsx'

export function FlowsPage({ state, live, health, intervalMs }: PageProps) {
  const flows = useListRows('flows', state, { live, order: state.order, intervalMs })
  const { keyOf } = useCell(model$).flows
  const [row, setRow] = useState<Values>()
  const now = flows.atMs || serverNow()
  const rangeText = rangeLabel(rangeOf(state, now), now, state.zone)
  const { select } = state
  const chosen = row && text(row, 'connection_id') === select ? row : undefined
  const side = select !== undefined && (
    <RowPanel key={select} connection={select} row={chosen} state={state} intervalMs={intervalMs} />
  )
  return (
    <PageFrame
      heading={`Weir: connections, ${rangeText}`}
      coverage={flows.coverage}
      health={health}
      atMs={flows.atMs}
      side={side}
    >
      <FlowTable
        state={state}
        flows={flows}
        selected={chosen && keyOf(chosen)}
        onSelect={(next) => {
          setRow(next)
          openRow(next)
        }}
        rangeText={rangeText}
        nodes={health?.nodes}
      />
      <Announce rows={flows.rows.length} />
    </PageFrame>
  )
}

/** Result counts for those who cannot see them change: at most one in 10 s. */
function Announce({ rows }: { readonly rows: number }) {
  const [said, setSaid] = useState(rows)
  useEffect(() => {
    const timer = window.setTimeout(() => setSaid(rows), 10_000)
    return () => clearTimeout(timer)
  }, [rows === said])
  return (
    <p class="sr" role="status">
      {exact(said)} rows
    </p>
  )
}
