// The time range: presets at the left, two fields at the right that take what a person would type.

import { useState } from 'preact/hooks'
import { useCell } from '../data/cell.ts'
import { commit, location$ } from '../data/page.ts'
import { serverNow } from '../data/request.ts'
import { type PageState, rangeOf } from '../domain/location.ts'
import {
  dateTime,
  isRelative,
  parseTime,
  rangeLabel,
  relativeLabel,
  type Zone,
  zoneLabel,
} from '../domain/time.ts'
import { Icon } from './icons.tsx'
import { Popover } from './popover.tsx'

const presets = [
  ['-5m', 'Last 5 min'],
  ['-15m', 'Last 15 min'],
  ['-1h', 'Last 1 hour'],
  ['-6h', 'Last 6 hours'],
  ['-24h', 'Last 24 hours'],
  ['-7d', 'Last 7 days'],
] as const

/** `atMs`: when the newest answer came, so that the label is what the charts show. */
export function TimePicker({ atMs }: { readonly atMs: number }) {
  const state = useCell(location$)
  const [open, setOpen] = useState(false)
  const now = atMs || serverNow()
  const label = rangeLabel(rangeOf(state, now), now, state.zone)
  return (
    <Popover
      name="time"
      open={open}
      onOpen={setOpen}
      label="Time range"
      buttonClass="ctl"
      button={
        <>
          <Icon name="clock" /> <span class="sr">Time range </span>
          {label}
          <span class="k hide-s">{relativeLabel(state.from, state.to)}</span>
          {state.zone === 'utc' && <span class="k">UTC</span>}
          <Icon name="down" />
        </>
      }
    >
      <div class="presets">
        <ul>
          {presets.map(([from, name]) => (
            <li key={from}>
              <button
                type="button"
                class={`it ${state.to === 'now' && state.from === from ? 'on' : ''}`}
                onClick={() => {
                  commit({ ...state, from, to: 'now' })
                  setOpen(false)
                }}
              >
                {name} <span class="r mono">{from}</span>
              </button>
            </li>
          ))}
        </ul>
        <Fields state={state} onDone={() => setOpen(false)} />
      </div>
    </Popover>
  )
}

function Fields({ state, onDone }: { readonly state: PageState; readonly onDone: () => void }) {
  const [from, setFrom] = useState(state.from)
  const [to, setTo] = useState(state.to)
  const now = serverNow()
  const [fromMs, toMs] = [from, to].map((text) => parseTime(text, now, state.zone))
  const wrong = problem(fromMs, toMs)
  function apply(event: Event): void {
    event.preventDefault()
    if (wrong !== undefined) return
    commit({ ...state, from: forApi(from, now, state.zone), to: forApi(to, now, state.zone) })
    onDone()
  }
  function switchZone(): void {
    commit({ ...state, zone: state.zone === 'utc' ? 'local' : 'utc' })
  }
  return (
    <form class="pp" onSubmit={apply}>
      <label class="dim" for="time-from">
        From
      </label>
      <input
        id="time-from"
        class="field"
        value={from}
        autocomplete="off"
        spellcheck={false}
        aria-invalid={fromMs === undefined}
        aria-describedby="time-says"
        onInput={(event) => setFrom(event.currentTarget.value)}
      />
      <label class="dim" for="time-to">
        To
      </label>
      <input
        id="time-to"
        class="field"
        value={to}
        autocomplete="off"
        spellcheck={false}
        aria-invalid={toMs === undefined}
        aria-describedby="time-says"
        onInput={(event) => setTo(event.currentTarget.value)}
      />
      <p id="time-says" class={wrong === undefined ? 'dim' : 'bad'}>
        {wrong ?? absolute(fromMs as number, toMs as number, state.zone)}
      </p>
      <div class="btns">
        <button type="submit" class="ctl strong" disabled={wrong !== undefined}>
          Apply
        </button>
        <button
          type="button"
          class="ctl bare"
          aria-pressed={state.zone === 'utc'}
          onClick={switchZone}
        >
          {state.zone === 'utc' ? 'Use local time' : 'Use UTC'}
        </button>
      </div>
    </form>
  )
}

/** `2026-08-21 14:00:00 to 15:00:00, UTC+02:00`. */
function absolute(fromMs: number, toMs: number, zone: Zone): string {
  const [from, to] = [dateTime(fromMs, zone), dateTime(toMs, zone)]
  const sameDay = from.slice(0, 10) === to.slice(0, 10)
  return `${from} to ${sameDay ? to.slice(11) : to}, ${zoneLabel(toMs, zone)}`
}

function problem(fromMs: number | undefined, toMs: number | undefined): string | undefined {
  if (fromMs === undefined || toMs === undefined) {
    return 'Type -90m, now, 14:00, 2026-08-21 14:32 or RFC 3339.'
  }
  return fromMs < toMs ? undefined : 'The begin must be before the end.'
}

/** Relative times stay relative; a time of day becomes the moment it meant. */
function forApi(text: string, nowMs: number, zone: Zone): string {
  const typed = text.trim()
  if (typed === 'now' || isRelative(typed)) return typed
  return new Date(parseTime(typed, nowMs, zone) as number).toISOString()
}
