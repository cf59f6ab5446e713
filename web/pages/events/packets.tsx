// Above the list of packets: the newest of them by size and time, coloured by label, and how many each label has.

import * as number from '../../../common/number/mod.ts'
import { useAnswer } from '../../data/answer.ts'
import type { EventGroupsAnswer, Values } from '../../data/contract.ts'
import { addFilters } from '../../data/page.ts'
import { text } from '../../domain/flow.ts'
import { apiQuery, type PageState } from '../../domain/location.ts'
import { colorOf, timelineOf } from '../../domain/packets.ts'
import { clock } from '../../domain/time.ts'
import { WhenAnswered } from '../../views/panel-state.tsx'
import { Name } from '../../views/text.tsx'

const pointsMax = 600
const labelsMax = 12
const refreshEveryMs = 5_000
const [width, height] = [1000, 200]

interface PacketsProps {
  readonly state: PageState
  readonly rows: readonly Values[]
  readonly rangeText: string
  readonly live: boolean
}

export function Packets({ state, rows, rangeText, live }: PacketsProps) {
  const path = `/api/events/top?${apiQuery(state, [
    ['kind', 'packet'],
    ['by', 'label'],
    ['order', '-count'],
    ['limit', String(labelsMax)],
  ])}`
  const answer = useAnswer<EventGroupsAnswer>(path, live ? refreshEveryMs : undefined)
  const groups = answer.data?.rows as readonly Values[] | undefined
  const labels = groups?.map((row) => text(row, 'label')) ?? []
  return (
    <div class="columns packets">
      <Points state={state} rows={rows.slice(0, pointsMax)} labels={labels} />
      <section class={`panel ${answer.failure ? 'stale' : ''}`} aria-labelledby="labels">
        <header>
          <h2 id="labels">Labels</h2>
          <span class="sub">packets by label of their rule</span>
        </header>
        <WhenAnswered answer={answer} range={rangeText}>
          {groups && <Labels groups={groups} labels={labels} />}
        </WhenAnswered>
      </section>
    </div>
  )
}

interface PointsProps {
  readonly state: PageState
  readonly rows: readonly Values[]
  readonly labels: readonly string[]
}

function Points({ state, rows, labels }: PointsProps) {
  const { points, fromMs, toMs, topBytes } = timelineOf(rows, labels)
  const { zone } = state
  const top = number.text(number.volume(topBytes))
  const said = `${number.exact(points.length)} packets by size and time, at most ${top}`
  return (
    <section class="panel" aria-labelledby="packet-timeline">
      <header>
        <h2 id="packet-timeline">Packet timeline</h2>
        <span class="sub">
          {points.length === rows.length
            ? `true length of the newest ${number.exact(points.length)}`
            : `true length of ${number.exact(points.length)} of the newest ${number.exact(rows.length)}: the others' is unknown`}
        </span>
      </header>
      <div class="points" role="img" aria-label={said}>
        <span class="top">{top}</span>
        <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
          <path class="grid" d={`M0 ${height / 2}H${width}`} />
          <path class="base" d={`M0 ${height}H${width}`} />
          {points.map(({ x, y, color }, at) => (
            <path
              key={at}
              class={`point ${color}`}
              d={`M${(x * width).toFixed(1)} ${(height - y * height).toFixed(1)}h0`}
            />
          ))}
        </svg>
        {points.length > 0 && (
          <div class="axis">
            <span>{clock(fromMs, zone)}</span>
            <span>{clock(toMs, zone)}</span>
          </div>
        )}
      </div>
    </section>
  )
}

interface LabelsProps {
  readonly groups: readonly Values[]
  readonly labels: readonly string[]
}

function Labels({ groups, labels }: LabelsProps) {
  const most = Math.max(1, ...groups.map((row) => Number(row['count'])))
  return (
    <ul class="labels">
      {groups.map((row) => {
        const label = text(row, 'label')
        const packets = Number(row['count'])
        const filter = () => addFilters([{ field: 'label', value: label }])
        return (
          <li key={label}>
            <button
              type="button"
              title="Only these packets"
              disabled={label === ''}
              onClick={filter}
            >
              {label === '' ? <span class="dim">no label</span> : <Name text={label} />}
            </button>
            <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
              <rect
                class={`bar ${colorOf(label, labels)}`}
                width={(packets / most) * 100}
                height="8"
              />
            </svg>
            <span class="n" title={number.exact(packets)}>
              {number.text(number.count(packets))}
            </span>
          </li>
        )
      })}
    </ul>
  )
}
