// One event in full: every field that it fills, the ways to its like, and the row as the API gave it.

import { useAnswer } from '../../data/answer.ts'
import { useCell } from '../../data/cell.ts'
import type { RowsAnswer, Values } from '../../data/contract.ts'
import { model$ } from '../../data/model.ts'
import { addFilters, commit, select } from '../../data/page.ts'
import { wordsOf } from '../../domain/event.ts'
import { text } from '../../domain/flow.ts'
import { defaults, type PageState } from '../../domain/location.ts'
import { lineLabel } from '../../domain/model.ts'
import { dateTime, msOf } from '../../domain/time.ts'
import { CopyButton } from '../../views/copy-button.tsx'
import { WhenAnswered } from '../../views/panel-state.tsx'
import { SidePanel } from '../../views/side-panel.tsx'
import { Name } from '../../views/text.tsx'
import { ExactValue, isNone } from '../../views/value.tsx'

interface EventPanelProps {
  readonly time: string
  /** The row that was clicked; without it (a shared link) the first one of that moment. */
  readonly row: Values | undefined
  readonly state: PageState
}

export function EventPanel({ time, row, state }: EventPanelProps) {
  const to = new Date(msOf(time) + 1).toISOString()
  const query = new URLSearchParams({ from: time, to, order: 'time', limit: '1' })
  if (state.kind !== '') query.append('kind', state.kind)
  const answer = useAnswer<RowsAnswer>(row ? undefined : `/api/events?${query}`, undefined)
  const shown = row ?? answer.data?.rows[0]
  return (
    <SidePanel label="Event" title={<Name text={shown ? wordsOf(shown).words : 'Event'} />}>
      {shown ? (
        <Details row={shown} state={state} />
      ) : (
        <WhenAnswered answer={answer} range="the event">
          <div class="state">
            <p class="strong">There is no event at this moment.</p>
          </div>
        </WhenAnswered>
      )}
    </SidePanel>
  )
}

function Details({ row, state }: { readonly row: Values; readonly state: PageState }) {
  const { fields } = useCell(model$).events
  const connection = text(row, 'connection_id')
  const json = JSON.stringify(row, null, 2)
  const { filters } = wordsOf(row)
  return (
    <>
      <div class="ssub">
        <p>
          <Name text={text(row, 'kind')} /> · {dateTime(msOf(text(row, 'time')), state.zone)} ·{' '}
          <Name text={text(row, 'node')} />
        </p>
      </div>
      <div class="blk">
        <div class="btns">
          {connection !== '' && connection !== '0' && (
            <button type="button" class="ctl" onClick={() => openConnection(state, connection)}>
              Its connection
            </button>
          )}
          {filters.length > 0 && (
            <button type="button" class="ctl" onClick={() => addFilters(filters)}>
              Only its like
            </button>
          )}
        </div>
      </div>
      <div class="blk">
        <dl class="kv">
          {fields
            .filter((field) => !isNone(row, field) && field.kind !== 'octets')
            .map((field) => [
              <dt key={`${field.name} label`} title={field.help}>
                {lineLabel(field.label)}
              </dt>,
              <dd key={field.name}>
                <ExactValue row={row} field={field} />
              </dd>,
            ])}
        </dl>
      </div>
      <div class="blk">
        <h3>
          Raw row
          <span class="now">
            <CopyButton label="Copy the row as JSON" text={() => json} />
          </span>
        </h3>
        <p class="dim sm">{Object.keys(row).length} fields, as /api/events gives them</p>
      </div>
    </>
  )
}

/** The rows of the connection, with its panel open. */
function openConnection(state: PageState, connection: string): void {
  select(undefined)
  const { from, to, zone } = state
  const filters = [{ field: 'connection_id', value: connection }]
  commit({ ...defaults, page: 'flows', from, to, zone, filters, select: connection })
}
