// Sockets or interfaces: whose numbers the page shows. In the URL it is the API's own parameter, view=interface.

import { useCell } from '../data/cell.ts'
import { commit, location$ } from '../data/page.ts'
import { viewOf, withView } from '../domain/location.ts'

const views = [
  {
    view: 'socket',
    word: 'Sockets',
    help: 'Application bytes of each connection, from its sockets',
  },
  {
    view: 'interface',
    word: 'Interfaces',
    help: 'Packets and L3 bytes as interfaces carried them',
  },
] as const

export function ViewSwitch() {
  const state = useCell(location$)
  const shown = viewOf(state)
  return (
    <fieldset class="seg hide-s">
      <legend class="sr">What is counted</legend>
      {views.map(({ view, word, help }) => (
        <button
          key={view}
          type="button"
          title={help}
          aria-pressed={shown === view}
          onClick={() => commit(withView(state, view))}
        >
          {word}
        </button>
      ))}
    </fieldset>
  )
}
