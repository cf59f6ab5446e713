// How much of the truth is on screen: the gauge of a panel, and the badge of the page with its reasons.

import { useState } from 'preact/hooks'
import { exact, shareText, watchedText } from '../../common/number/mod.ts'
import { useCell } from '../data/cell.ts'
import type { Coverage, Health } from '../data/contract.ts'
import { location$ } from '../data/page.ts'
import { isCut, trouble$ } from '../data/trouble.ts'
import { gaugeFill, levelOf } from '../domain/coverage.ts'
import { clock, dateTime, msOf, type Range } from '../domain/time.ts'
import { Mark } from './icons.tsx'
import { Popover } from './popover.tsx'
import { type Column, Table } from './table.tsx'
import { Name } from './text.tsx'

/** The share of one panel's answer, one decimal. */
export function PanelCoverage({ coverage }: { readonly coverage: Coverage | undefined }) {
  if (!coverage || coverage.share === null) return null
  const { share } = coverage
  return (
    <span
      class={`cov ${levelClass(share)}`}
      title="Coverage: share of what is known to exist that is in this answer"
    >
      <Gauge share={share} />
      {shareText(share, 1)}
    </span>
  )
}

interface BadgeProps {
  readonly coverage: Coverage | undefined
  readonly nodes: Health['nodes'] | undefined
  /** The range of the answer. */
  readonly range: Range
}

/** The page's badge; silent agents stand beside the share, because what they lost is unknown. */
export function CoverageBadge({ coverage, nodes, range }: BadgeProps) {
  const [open, setOpen] = useState(false)
  const cut = isCut(useCell(trouble$))
  const silent = cut ? [] : silentNodes(nodes)
  // What was complete when the last answer came says nothing about now.
  const share = cut ? null : (coverage?.share ?? null)
  const watched =
    coverage && !cut ? watchedText(coverage.watched, range.toMs - range.fromMs) : undefined
  return (
    <Popover
      name="coverage"
      open={open}
      onOpen={setOpen}
      label="Coverage"
      buttonClass={`ctl cov ${share === null ? '' : levelClass(share)}`}
      button={
        <>
          <Gauge share={share ?? 0} />
          <span class="sr">Coverage </span>
          {share === null ? '–' : shareText(share, 2)}
          {watched && (
            <>
              <span class="sep" />
              <span class="part">watched {watched}</span>
            </>
          )}
          {silent.length > 0 && (
            <>
              <span class="sep" />
              <span class="gone">
                <Mark level="warn" />
                {silentText(silent)}
              </span>
            </>
          )}
        </>
      }
    >
      <Reasons coverage={coverage} silent={silent} watched={watched} />
    </Popover>
  )
}

interface ReasonsProps {
  readonly coverage: Coverage | undefined
  readonly silent: Health['nodes']
  readonly watched: string | undefined
}

function Reasons({ coverage, silent, watched }: ReasonsProps) {
  const { zone } = useCell(location$)
  if (!coverage) return <p class="pp">No answer yet.</p>
  const causes = Object.entries(coverage.lost).sort(([, a], [, b]) => b - a)
  return (
    <div class="pp">
      <p>{sentence(coverage)}</p>
      {watched && (
        <p>An agent watched {watched}. What happened in the rest of the range is not known.</p>
      )}
      {causes.length > 0 && (
        <Table name="lost" columns={lostColumns} rows={causes} keyOf={([cause]) => cause} />
      )}
      {(silent.length > 0 || coverage.gaps.length > 0) && (
        <div class="note warnn">
          <Mark level="warn" />
          <div>
            <b>Not in the share:</b>
            {silent.map((node) => (
              <p key={node.node}>
                <Name text={node.node} /> has been silent since {clock(msOf(node.last_seen), zone)}.
              </p>
            ))}
            {coverage.gaps.slice(0, 5).map((gap) => (
              <p key={gap.node + gap.from}>
                Nobody watched <Name text={gap.node} /> from {dateTime(msOf(gap.from), zone)} to{' '}
                {clock(msOf(gap.to), zone)}.
              </p>
            ))}
            {coverage.gaps.length > 5 && <p>{coverage.gaps.length - 5} more gaps.</p>}
            What happened there is unknown.
          </div>
        </div>
      )}
    </div>
  )
}

const lostColumns: readonly Column<readonly [cause: string, rows: number]>[] = [
  { name: 'cause', head: 'Lost by', cell: ([cause]) => <Name text={cause} /> },
  { name: 'rows', head: 'rows', class: 'num', cell: ([, rows]) => exact(rows) },
]

function sentence({ share, lost }: Coverage) {
  if (share === null) return 'Nothing was watched in this range.'
  if (share === 1) return 'All that is known to exist is in these numbers; not one row was lost.'
  const rows = Object.values(lost).reduce((sum, n) => sum + n, 0)
  return (
    <>
      <b>{shareText(share, 2)}</b> of what is known to exist is in these numbers; {exact(rows)} rows
      were lost.
    </>
  )
}

function Gauge({ share }: { readonly share: number }) {
  const height = gaugeFill(share) * 8
  return (
    <svg viewBox="0 0 10 12" aria-hidden="true">
      <rect class="gauge-box" x=".6" y=".6" width="8.8" height="10.8" rx="1.6" />
      <rect class="gauge-fill" x="2" y={10 - height} width="6" height={height} />
    </svg>
  )
}

function levelClass(share: number): string {
  const level = levelOf(share)
  return level === 'ok' ? '' : level
}

/** Worst first: gone before late. */
function silentNodes(nodes: Health['nodes'] | undefined): Health['nodes'] {
  const silent = (nodes ?? []).filter(({ state }) => state === 'gone' || state === 'late')
  return silent.sort((a, b) => a.state.localeCompare(b.state))
}

function silentText(silent: Health['nodes']): string {
  const gone = silent.filter(({ state }) => state === 'gone').length
  const late = silent.length - gone
  return [gone > 0 ? `${gone} gone` : '', late > 0 ? `${late} late` : ''].filter(Boolean).join(', ')
}
