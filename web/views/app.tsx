// The page: one state, four questions to the API, and the panels that show the answers.

import { useEffect, useState } from 'preact/hooks'
import { useAnswer } from '../data/answer.ts'
import { useCell } from '../data/cell.ts'
import type { Health, Values } from '../data/contract.ts'
import { useFlowRows } from '../data/flow-rows.ts'
import { holds$, isLive, location$ } from '../data/page.ts'
import { serverNow } from '../data/request.ts'
import { keyOf, text } from '../domain/flow.ts'
import { rangeOf } from '../domain/location.ts'
import { exact } from '../domain/number.ts'
import { rangeLabel } from '../domain/time.ts'
import { CommandBar } from './command-bar.tsx'
import { FlowTable, openRow } from './flow-table.tsx'
import { HelpSheet } from './help-sheet.tsx'
import { help$, listenToKeys } from './keys.ts'
import { Kpis, useSeries } from './kpis.tsx'
import { Stale } from './panel-state.tsx'
import { Rail } from './rail.tsx'
import { RowPanel } from './row-panel.tsx'
import { Talkers } from './talkers.tsx'

const healthMs = 10_000

export function App() {
  const state = useCell(location$)
  const live = isLive(state, useCell(holds$))
  const help = useCell(help$)
  const health = useAnswer<Health>('/health', healthMs)
  const nodes = health.data?.nodes
  const intervalMs = Math.max(0, ...(nodes ?? []).map((node) => node.interval_ms)) || 5000
  const answer = useSeries(state, live, serverNow(), intervalMs)
  const flows = useFlowRows(state, live)
  const [row, setRow] = useState<Values>()
  useEffect(listenToKeys, [])

  const now = answer.atMs || serverNow()
  const rangeText = rangeLabel(rangeOf(state, now), now, state.zone)
  const chosen = row && text(row, 'connection_id') === state.select ? row : undefined
  return (
    <div class={`app ${state.select === undefined ? '' : 'with-side'}`}>
      <Rail />
      <div class="main">
        <CommandBar coverage={answer.data?.coverage} nodes={nodes} atMs={answer.atMs} />
        <main class="page" id="overview">
          <h1 class="sr">Weir: network of this host, {rangeText}</h1>
          {answer.failure?.passing && answer.data && (
            <p class="banner" role="status">
              {answer.failure.message} {answer.failure.remedy} · <Stale answer={answer} />
            </p>
          )}
          <Kpis answer={answer} state={state} rangeText={rangeText} />
          <Talkers state={state} live={live} rangeText={rangeText} nodes={nodes} />
          <div id="flows">
            <FlowTable
              state={state}
              flows={flows}
              selected={chosen && keyOf(chosen)}
              onSelect={(next) => {
                setRow(next)
                openRow(next)
              }}
              rangeText={rangeText}
              nodes={nodes}
            />
          </div>
        </main>
        {state.select !== undefined && (
          <RowPanel
            key={state.select}
            connection={state.select}
            row={chosen}
            state={state}
            intervalMs={intervalMs}
          />
        )}
        <Announce rows={flows.rows.length} />
      </div>
      {help && <HelpSheet onClose={() => help$.set(false)} />}
    </div>
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
