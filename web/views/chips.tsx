// Filters that came from the + of a value: taken away where they stand.

import { useCell } from '../data/cell.ts'
import { commit, location$ } from '../data/page.ts'
import { withoutFilter } from '../domain/location.ts'
import { Icon } from './icons.tsx'
import { Name } from './text.tsx'

export function Chips() {
  const state = useCell(location$)
  if (state.filters.length === 0) return null
  return (
    <ul class="chips" aria-label="Filters">
      {state.filters.map((filter) => (
        <li key={`${filter.field}=${filter.value}`} class="chip">
          <span class="mono">
            <span class="f">{filter.field}</span> ={' '}
            {filter.value === '' ? <i class="dim">none</i> : <Name text={filter.value} />}
          </span>
          <button
            type="button"
            aria-label={`Remove the filter ${filter.field} ${filter.value}`}
            onClick={() => commit(withoutFilter(state, filter))}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  )
}
