// Events: what went wrong, and why. All kinds in one list, each kind alone, drops by their reason.

import { useState } from 'preact/hooks'
import { count, text as figure } from '../../../common/number/mod.ts'
import { useAnswer } from '../../data/answer.ts'
import type { EventGroupsAnswer, Values } from '../../data/contract.ts'
import { useDropWords } from '../../data/drop-words.ts'
import { useListRows } from '../../data/list-rows.ts'
import { commit } from '../../data/page.ts'
import { serverNow } from '../../data/request.ts'
import { tabs } from '../../domain/event.ts'
import { apiQuery, type PageState, rangeOf } from '../../domain/location.ts'
import { rangeLabel, refreshMs } from '../../domain/time.ts'
import { PageFrame, type PageProps } from '../../views/page-frame.tsx'
import { DropPanel } from './drop-panel.tsx'
import { Reasons, reasonsPath } from './drops.tsx'
import { EventList, selectionOf } from './event-list.tsx'
import { EventPanel } from './event-panel.tsx'
import { Packets } from './packets.tsx'

export function EventsPage(props: PageProps) {
  const { state } = props
  return isByReason(state) ? <DropsView {...props} /> : <ListView {...props} />
}

function isByReason({ kind, group }: PageState): boolean {
  return kind === 'drop' && group === ''
}

function ListView({ state, live, health, intervalMs }: PageProps) {
  const events = useListRows('events', state, { live, order: '-time', intervalMs })
  const now = events.atMs || serverNow()
  const rangeText = rangeLabel(rangeOf(state, now), now, state.zone)
  const { select } = state
  const [kept, setKept] = useState<Values>()
  const found = events.rows.find((row) => selectionOf(row) === select)
  // The row stays while it is open, whatever comes.
  if (found && found !== kept) setKept(found)
  const row = found ?? (kept && selectionOf(kept) === select ? kept : undefined)
  return (
    <PageFrame
      heading={`Weir: events, ${rangeText}`}
      coverage={events.coverage}
      health={health}
      atMs={events.atMs}
      side={
        select !== undefined && <EventPanel key={select} time={select} row={row} state={state} />
      }
    >
      <Tabs state={state} live={live} />
      {state.kind === 'packet' && events.rows.length > 0 && (
        <Packets state={state} rows={events.rows} rangeText={rangeText} live={live} />
      )}
      <EventList state={state} events={events} rangeText={rangeText} nodes={health?.nodes} />
    </PageFrame>
  )
}

function DropsView({ state, live, health, intervalMs }: PageProps) {
  const answer = useAnswer<EventGroupsAnswer>(reasonsPath(state), live ? everyMs(state) : undefined)
  const now = answer.atMs || serverNow()
  const rangeText = rangeLabel(rangeOf(state, now), now, state.zone)
  const words = useDropWords()
  const { select } = state
  return (
    <PageFrame
      heading={`Weir: drops by reason, ${rangeText}`}
      coverage={answer.data?.coverage}
      health={health}
      atMs={answer.atMs}
      side={
        select !== undefined && (
          <DropPanel
            key={select}
            reason={select}
            state={state}
            intervalMs={intervalMs}
            words={words}
          />
        )
      }
    >
      <Tabs state={state} live={live} />
      <Reasons
        state={state}
        answer={answer}
        rangeText={rangeText}
        nodes={health?.nodes}
        words={words}
      />
    </PageFrame>
  )
}

function everyMs(state: PageState): number {
  const { fromMs, toMs } = rangeOf(state, serverNow())
  return refreshMs((toMs - fromMs) / 60)
}

/** The kinds and how many events each has in the range. */
function Tabs({ state, live }: { readonly state: PageState; readonly live: boolean }) {
  const path = `/api/events/top?${apiQuery(state, [
    ['by', 'kind'],
    ['order', '-events'],
    ['limit', '20'],
  ])}`
  const { data } = useAnswer<EventGroupsAnswer>(path, live ? everyMs(state) : undefined)
  const counts = new Map(data?.rows.map((row) => [row['kind'], Number(row['events'])]))
  const numberOf = (kind: string) => (kind === '' ? data?.totals.events : (counts.get(kind) ?? 0))
  const go = (kind: string, group: PageState['group']) =>
    commit({ ...state, kind, group, select: undefined })
  return (
    <div class="tabs">
      <nav class="seg" aria-label="Kinds of events">
        {tabs.map(({ kind, title }) => (
          <button
            key={kind}
            type="button"
            aria-pressed={state.kind === kind}
            onClick={() => go(kind, '')}
          >
            {title}
            {data && <span class="n">{figure(count(numberOf(kind) ?? 0))}</span>}
          </button>
        ))}
      </nav>
      {state.kind === 'drop' && (
        <fieldset class="seg">
          <legend class="sr">Drops</legend>
          <button type="button" aria-pressed={state.group === ''} onClick={() => go('drop', '')}>
            By reason
          </button>
          <button
            type="button"
            aria-pressed={state.group === 'none'}
            onClick={() => go('drop', 'none')}
          >
            One by one
          </button>
        </fieldset>
      )}
    </div>
  )
}
