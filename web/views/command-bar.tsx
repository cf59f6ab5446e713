// The bar above each page: the filter, time, live, the charts' other form, coverage.

import { useCell } from '../data/cell.ts'
import type { Coverage, Health } from '../data/contract.ts'
import {
  asTable$,
  holds$,
  isLive,
  location$,
  pageRows,
  toggleLive,
  waiting$,
} from '../data/page.ts'
import { serverNow } from '../data/request.ts'
import { isCut, trouble$ } from '../data/trouble.ts'
import { formatLocation, pinned, rangeOf } from '../domain/location.ts'
import { clock } from '../domain/time.ts'
import { CopyButton } from './copy-button.tsx'
import { CoverageBadge } from './coverage-badge.tsx'
import { FilterBox } from './filter-box.tsx'
import { Icon } from './icons.tsx'
import { TimePicker } from './time-picker.tsx'
import { ViewSwitch } from './view-switch.tsx'

interface CommandBarProps {
  readonly coverage: Coverage | undefined
  readonly nodes: Health['nodes'] | undefined
  readonly atMs: number
}

export function CommandBar({ coverage, nodes, atMs }: CommandBarProps) {
  const state = useCell(location$)
  const { page } = state
  return (
    <header class="bar">
      <FilterBox />
      <TimePicker atMs={atMs} />
      <Live />
      {(page === 'overview' || page === 'flows') && <ViewSwitch />}
      {page === 'overview' && <TableSwitch />}
      <CopyButton
        label="Copy a link to exactly this (y)"
        icon="link"
        buttonClass="ctl square hide-s"
        text={pinnedLink}
      />
      <CoverageBadge
        coverage={coverage}
        nodes={nodes}
        range={rangeOf(state, atMs || serverNow())}
      />
    </header>
  )
}

function TableSwitch() {
  const asTable = useCell(asTable$)
  return (
    <button
      type="button"
      class="ctl square hide-s"
      aria-pressed={asTable}
      aria-label="Charts as a table"
      title="Charts as a table (v)"
      onClick={() => asTable$.set(!asTable)}
    >
      <Icon name="table" size="ico" />
    </button>
  )
}

/** The address of this view with an absolute range. */
export function pinnedLink(): string {
  return `${location.origin}${formatLocation(pinned(location$.get(), serverNow()))}`
}

function Live() {
  const state = useCell(location$)
  const holds = useCell(holds$)
  const waiting = useCell(waiting$)
  const trouble = useCell(trouble$)
  const { zone } = state
  if (isCut(trouble) && trouble) {
    const since = clock(trouble.sinceMs, zone)
    return (
      <span class="ctl live-switch gone" title={`No answer since ${since}`}>
        <Icon name="cut" /> Disconnected
      </span>
    )
  }
  const live = isLive(state, holds)
  const held = state.to === 'now' && !live
  const word = live ? 'Live' : held ? 'Paused' : 'Go live'
  return (
    <button
      type="button"
      class="ctl live-switch"
      aria-pressed={live}
      title={live ? 'Pause (l)' : 'Back to now (l)'}
      onClick={toggleLive}
    >
      {live ? <span class="live" /> : <Icon name={held ? 'pause' : 'play'} />}
      <span class="hide-s">{word}</span>
      {held && waiting > 0 && (
        <span class="k">{waiting >= pageRows ? `${pageRows}+` : waiting} new</span>
      )}
    </button>
  )
}
