// One row in full: both directions over time, both ends, exact figures, and the row as the API gave it.

import { useMemo, useState } from 'preact/hooks'
import * as number from '../../../common/number/mod.ts'
import { Plot } from '../../charts/plot.tsx'
import { Waterline } from '../../charts/waterline.tsx'
import { useAnswer } from '../../data/answer.ts'
import { useCell } from '../../data/cell.ts'
import type { FieldInfo, RowsAnswer, SeriesAnswer, Values } from '../../data/contract.ts'
import { model$ } from '../../data/model.ts'
import { addFilters, location$ } from '../../data/page.ts'
import { ageNs, endFilters, endOf, nsBetween, type Side, stateOf, text } from '../../domain/flow.ts'
import { apiQuery, type PageState, rangeOf } from '../../domain/location.ts'
import { lineLabel, type Twin } from '../../domain/model.ts'
import * as series from '../../domain/series.ts'
import { axisLabel, clock, dateTime, msOf } from '../../domain/time.ts'
import { CopyButton } from '../../views/copy-button.tsx'
import { Icon, Mark } from '../../views/icons.tsx'
import { WhenAnswered } from '../../views/panel-state.tsx'
import { SidePanel } from '../../views/side-panel.tsx'
import { Name } from '../../views/text.tsx'
import { ExactValue, isNone } from '../../views/value.tsx'

interface RowPanelProps {
  readonly connection: string
  /** The row that was clicked; without it (a shared link) the newest row of the connection. */
  readonly row: Values | undefined
  readonly state: PageState
  readonly intervalMs: number
}

export function RowPanel({ connection, row, state, intervalMs }: RowPanelProps) {
  const own = { ...state, filters: [{ field: 'connection_id', value: connection }], filter: '' }
  const path = `/api/flows?${apiQuery(own, [['limit', '1']])}`
  const answer = useAnswer<RowsAnswer>(path, undefined)
  const shown = row ?? answer.data?.rows[0]
  return (
    <SidePanel label="Connection" title={shown ? <Title row={shown} /> : 'Connection'}>
      {shown ? (
        <Details row={shown} state={own} intervalMs={intervalMs} />
      ) : (
        <WhenAnswered answer={answer} range={`connection ${connection}`}>
          <div class="state">
            <p class="strong">This connection has no row in this range.</p>
          </div>
        </WhenAnswered>
      )}
    </SidePanel>
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

function Ends({ row }: { readonly row: Values }) {
  const { ends } = useCell(model$).flows
  return (
    <dl class="kv three">
      <dt />
      <dd class="hd">initiator (src)</dd>
      <dd class="hd">responder (dst)</dd>
      {ends
        .filter(({ src, dst }) => !isNone(row, src) || !isNone(row, dst))
        .map((twin) => (
          <TwinValues key={twin.src.name} row={row} twin={twin} />
        ))}
    </dl>
  )
}

/** Always exact: a row panel must add up. */
function Figures({ row }: { readonly row: Values }) {
  const { directions, single } = useCell(model$).flows
  return (
    <>
      <dl class="kv three">
        <dt />
        <dd class="hd">src → dst</dd>
        <dd class="hd">dst → src</dd>
        {directions.map((twin) => (
          <TwinValues key={twin.src.name} row={row} twin={twin} />
        ))}
      </dl>
      <dl class="kv">
        {single
          .filter(({ name }) => !saidAbove.has(name) && row[name] !== '')
          .map((field) => (
            <KeyValue
              key={field.name}
              label={lineLabel(field.label)}
              help={field.help}
              mono={isMono(field)}
            >
              {[singleValue(row, field)]}
            </KeyValue>
          ))}
      </dl>
    </>
  )
}

/** Fields of the title and of the line of facts. */
const saidAbove = new Set(['time', 'start', 'end', 'protocol', 'end_reason', 'errno'])

interface TwinValuesProps {
  readonly row: Values
  readonly twin: Twin
}

function TwinValues({ row, twin: { label, src, dst } }: TwinValuesProps) {
  return (
    <KeyValue label={lineLabel(label)} help={`${src.help}\n${dst.help}`} mono={isMono(src)}>
      {[src, dst].map((field) => (
        <ExactValue key={field.name} row={row} field={field} />
      ))}
    </KeyValue>
  )
}

function singleValue(row: Values, field: FieldInfo) {
  const said = field.name === 'observer' && observers[text(row, field.name)]
  return said || <ExactValue key={field.name} row={row} field={field} />
}

const observers: Readonly<Record<string, string>> = {
  both: 'both ends, counted once',
  src: 'the initiator’s node',
  dst: 'the responder’s node',
}

function isMono({ kind, derived }: FieldInfo): boolean {
  return kind === 'address' || kind === 'id' || kind === 'u16' || derived
}

interface KeyValueProps {
  readonly label: string
  readonly help: string
  readonly mono: boolean
  readonly children: preact.ComponentChildren[]
}

function KeyValue({ label, help, mono, children }: KeyValueProps) {
  return (
    <>
      <dt title={help}>{label}</dt>
      {children.map((child, at) => (
        <dd key={at} class={mono ? 'mono' : ''}>
          {child}
        </dd>
      ))}
    </>
  )
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
