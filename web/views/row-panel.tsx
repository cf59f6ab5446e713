// One row in full: both directions over time, both ends, exact figures, and the row as the API gave it.

import { useMemo, useState } from 'preact/hooks'
import { Plot } from '../charts/plot.tsx'
import { Waterline } from '../charts/waterline.tsx'
import { useAnswer } from '../data/answer.ts'
import { useCell } from '../data/cell.ts'
import type { RowsAnswer, SeriesAnswer, Values } from '../data/contract.ts'
import { addFilters, location$, select } from '../data/page.ts'
import { ageNs, endFilters, endOf, nsBetween, type Side, stateOf, text } from '../domain/flow.ts'
import { apiQuery, type PageState, rangeOf } from '../domain/location.ts'
import * as number from '../domain/number.ts'
import * as series from '../domain/series.ts'
import { axisLabel, clock, dateTime, msOf } from '../domain/time.ts'
import { CopyButton } from './copy-button.tsx'
import { Icon, Mark } from './icons.tsx'
import { WhenAnswered } from './panel-state.tsx'
import { Name } from './text.tsx'

interface RowPanelProps {
  readonly connection: string
  /** The row that was clicked; without it (a shared link) the newest row of the connection. */
  readonly row: Values | undefined
  readonly state: PageState
  readonly intervalMs: number
}

export function RowPanel({ connection, row, state, intervalMs }: RowPanelProps) {
  const own = { ...state, filters: [{ field: 'connection_id', value: connection }] }
  const path = `/api/flows?${apiQuery(own, [['limit', '1']])}`
  const answer = useAnswer<RowsAnswer>(path, undefined)
  const shown = row ?? answer.data?.rows[0]
  return (
    <aside class="panel side" aria-label="Connection">
      <div class="sh">
        <h2>{shown ? <Title row={shown} /> : 'Connection'}</h2>
        <span class="end">
          <button
            type="button"
            class="ctl bare"
            aria-label="Close the panel"
            onClick={() => select(undefined)}
          >
            <Icon name="close" size="ico" />
          </button>
        </span>
      </div>
      {shown ? (
        <Details row={shown} state={own} intervalMs={intervalMs} />
      ) : (
        <WhenAnswered answer={answer} range={`connection ${connection}`}>
          <div class="state">
            <p class="strong">This connection has no row in this range.</p>
          </div>
        </WhenAnswered>
      )}
    </aside>
  )
}

function Title({ row }: { readonly row: Values }) {
  const [src, dst] = [endOf(row, 'src'), endOf(row, 'dst')]
  return (
    <>
      <Name text={src.name} />
      <span class="arrow">→</span>
      <Name text={dst.name} />:{dst.port}
    </>
  )
}

interface DetailsProps {
  readonly row: Values
  readonly state: PageState
  readonly intervalMs: number
}

function Details({ row, state, intervalMs }: DetailsProps) {
  return (
    <>
      <Facts row={row} />
      {text(row, 'connection_id') !== '0' && (
        <Directions row={row} state={state} intervalMs={intervalMs} />
      )}
      <div class="blk">
        <Ends row={row} />
        <div class="btns">
          <FilterDoor row={row} side="src" />
          <FilterDoor row={row} side="dst" />
        </div>
      </div>
      <div class="blk">
        <Figures row={row} />
      </div>
      <Raw row={row} />
    </>
  )
}

/** One line of facts, and a note when it failed. */
function Facts({ row }: { readonly row: Values }) {
  const { zone } = useCell(location$)
  const start = text(row, 'start')
  const { failing, word } = stateOf(row)
  const age = ageNs(row)
  const facts = [
    text(row, 'protocol').toUpperCase(),
    start === '' ? 'open before Weir saw it' : `opened ${dateTime(msOf(start), zone)}`,
    text(row, 'end') === '' ? 'open' : `closed ${clock(msOf(text(row, 'end')), zone)}`,
    age === undefined ? '' : number.text(number.duration(age)),
  ]
  return (
    <div class="ssub">
      <p>{facts.filter(Boolean).join(' · ')}</p>
      {failing && (
        <div class="note badn">
          <Mark level="bad" />
          <div>
            <b class="bad">
              <Name text={word} />
            </b>{' '}
            <Name text={text(row, 'end_reason').replaceAll('_', ' ')} />
          </div>
        </div>
      )}
    </div>
  )
}

/** The steps that the range cuts too: what one connection did is in them, complete or not. */
const wholeLife = { fromMs: 0, toMs: Number.POSITIVE_INFINITY }

/** Sent up, received down, on one scale. */
function Directions({ row, state, intervalMs }: DetailsProps) {
  const seconds = series.stepSeconds(rangeOf(state, Date.now()), intervalMs)
  const path = `/api/series?${apiQuery(state, [
    ['step', `${seconds}s`],
    ['metrics', 'bytes'],
    ['metrics', 'reverse_bytes'],
  ])}`
  const answer = useAnswer<SeriesAnswer>(path, undefined)
  const range = useMemo(() => rangeOf(state, answer.atMs), [state.from, state.to, answer.atMs])
  const grid = useMemo(
    () => answer.data && series.gridOf(answer.data, wholeLife, Number.POSITIVE_INFINITY),
    [answer.data],
  )
  const [sent, received] = grid
    ? [series.valuesOf(grid, series.sent), series.valuesOf(grid, series.received)]
    : [[], []]
  const most = Math.max(0, ...[...sent, ...received].map((value) => value ?? 0))
  const label = `sent ${number.text(number.volume(Number(row['total_bytes'])))}, received ${number.text(
    number.volume(Number(row['total_reverse_bytes'])),
  )} since it was opened`
  return (
    <div class="blk">
      <h3>
        Both directions
        <span class="now">
          <span class="s1">■</span> <i>sent</i> <span class="s3">■</span> <i>received</i>
        </span>
      </h3>
      <WhenAnswered answer={answer} range="its traffic">
        {grid && (
          <>
            <div class="plot bi" role="img" aria-label={`Traffic over time: ${label}`}>
              <Plot
                key="both"
                grid={grid}
                range={range}
                top={number.niceTop(most)}
                stale={false}
                lines={[
                  { values: sent, color: 's1', filled: true },
                  { values: received, color: 's3', filled: true, mirrored: true },
                ]}
              />
              {most > 0 && (
                <span class="ymax">
                  {number.text(number.bare(number.bitRate(number.niceTop(most))))}
                </span>
              )}
            </div>
            <Waterline grid={grid} range={range} />
            <Axis range={range} />
          </>
        )}
      </WhenAnswered>
    </div>
  )
}

function Axis({ range }: { readonly range: { fromMs: number; toMs: number } }) {
  const { zone } = useCell(location$)
  const length = range.toMs - range.fromMs
  return (
    <div class="xax" aria-hidden="true">
      <span>{axisLabel(range.fromMs, length, zone)}</span>
      <span>{axisLabel(range.fromMs + length / 2, length, zone)}</span>
      <span>{axisLabel(range.toMs, length, zone)}</span>
    </div>
  )
}

/** The way from one end to all of its connections, for fingers too. */
function FilterDoor({ row, side }: { readonly row: Values; readonly side: Side }) {
  const { name, port } = endOf(row, side)
  return (
    <button type="button" class="ctl" onClick={() => addFilters(endFilters(row, side))}>
      {side === 'src' ? 'Only from' : 'Only to'}
      <span class="whole">
        <Name text={name} />
        {side === 'dst' && <span>:{port}</span>}
      </span>
    </button>
  )
}

const endFields = [
  ['process', 'process'],
  ['pid', 'pid'],
  ['address', 'address'],
  ['port', 'port'],
  ['unit', 'unit'],
  ['container', 'container'],
  ['user id', 'uid'],
  ['netns', 'netns'],
  ['owner from', 'process_source'],
] as const

function Ends({ row }: { readonly row: Values }) {
  const value = (side: string, field: string) => {
    const found = text(row, `${side}_${field}`)
    const nobody = found === '' || (found === '0' && (field === 'pid' || field === 'netns'))
    return nobody ? <span class="dim">–</span> : <Name text={found} />
  }
  return (
    <dl class="kv three">
      <dt />
      <dd class="hd">initiator (src)</dd>
      <dd class="hd">responder (dst)</dd>
      {endFields
        .filter(([, field]) => ['src', 'dst'].some((side) => text(row, `${side}_${field}`) !== ''))
        .map(([label, field]) => (
          <KeyValue key={field} label={label} mono={field === 'address' || field === 'port'}>
            {[value('src', field), value('dst', field)]}
          </KeyValue>
        ))}
    </dl>
  )
}

interface KeyValueProps {
  readonly label: string
  readonly mono?: boolean
  readonly children: preact.ComponentChildren[]
}

function KeyValue({ label, mono, children }: KeyValueProps) {
  return (
    <>
      <dt>{label}</dt>
      {children.map((child, at) => (
        <dd key={at} class={mono ? 'mono' : ''}>
          {child}
        </dd>
      ))}
    </>
  )
}

/** Always exact: a row panel must add up. */
function Figures({ row }: { readonly row: Values }) {
  const figure = (name: string) => {
    const value = row[name]
    return typeof value === 'number' ? number.exact(value) : <span class="dim">–</span>
  }
  const rtt = ['rtt_ns', 'rtt_min_ns'].map((name) => row[name])
  return (
    <>
      <dl class="kv three">
        <dt />
        <dd class="hd">src → dst</dd>
        <dd class="hd">dst → src</dd>
        <KeyValue label="bytes">{[figure('bytes'), figure('reverse_bytes')]}</KeyValue>
        <KeyValue label="since open">
          {[figure('total_bytes'), figure('total_reverse_bytes')]}
        </KeyValue>
        <KeyValue label="segments">{[figure('packets'), figure('reverse_packets')]}</KeyValue>
        <KeyValue label="retransmits">
          {[figure('retransmits'), figure('reverse_retransmits')]}
        </KeyValue>
      </dl>
      <dl class="kv">
        <KeyValue label="rtt, min">
          {[
            rtt
              .map((ns) =>
                number.text(typeof ns === 'number' ? number.duration(ns) : number.unmeasured),
              )
              .join(', '),
          ]}
        </KeyValue>
        <KeyValue label="state">{[<Name key="state" text={text(row, 'state')} />]}</KeyValue>
        <KeyValue label="seen by">
          {[observers[text(row, 'observer')] ?? text(row, 'observer')]}
        </KeyValue>
        <KeyValue label="direction">
          {[row['direction_known'] === true ? 'observed' : 'inferred']}
        </KeyValue>
        <KeyValue label="node">{[<Name key="node" text={text(row, 'node')} />]}</KeyValue>
        <KeyValue label="community id" mono>
          {[text(row, 'community_id')]}
        </KeyValue>
      </dl>
    </>
  )
}

const observers: Readonly<Record<string, string>> = {
  both: 'both ends, counted once',
  src: 'the initiator’s node',
  dst: 'the responder’s node',
}

function Raw({ row }: { readonly row: Values }) {
  const [open, setOpen] = useState(false)
  const json = JSON.stringify(row, null, 2)
  const covers = row['start'] ? nsBetween(text(row, 'start'), text(row, 'time')) : undefined
  return (
    <div class="blk">
      <h3>
        <button type="button" class="fold" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Icon name="down" /> Raw row
        </button>
        <span class="now">
          <CopyButton label="Copy the row as JSON" text={() => json} />
        </span>
      </h3>
      {open && <pre class="json">{json}</pre>}
      {!open && covers !== undefined && (
        <p class="dim sm">{Object.keys(row).length} fields, as /api/flows gives them</p>
      )}
    </div>
  )
}
