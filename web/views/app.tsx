// The frame of every page: the rail, the page of the URL, the help sheet. What all pages know is asked for here.

import { useEffect } from 'preact/hooks'
import { useAnswer } from '../data/answer.ts'
import { useCell } from '../data/cell.ts'
import type { Health } from '../data/contract.ts'
import { useFieldsAnswer } from '../data/model.ts'
import { holds$, isLive, location$ } from '../data/page.ts'
import { isCut, trouble$ } from '../data/trouble.ts'
import type { PageName } from '../domain/location.ts'
import { routes } from '../pages/routes.ts'
import { HelpSheet } from './help-sheet.tsx'
import { help$, listenToKeys } from './keys.ts'
import { Nowhere } from './nowhere.tsx'
import type { PageProps } from './page-frame.tsx'
import { Rail } from './rail.tsx'

const healthMs = 10_000
const usualIntervalMs = 5000

export function App() {
  const state = useCell(location$)
  const live = isLive(state, useCell(holds$))
  const help = useCell(help$)
  const cut = isCut(useCell(trouble$))
  const { data: health } = useAnswer<Health>('/health', healthMs)
  const intervals = (health?.nodes ?? []).map((node) => node.interval_ms)
  const intervalMs = Math.max(0, ...intervals) || usualIntervalMs
  useFieldsAnswer()
  useEffect(listenToKeys, [])
  const hasSide = state.page === 'flows' || state.page === 'events'
  const withSide = hasSide && state.select !== undefined
  return (
    <div class={`app ${withSide ? 'with-side' : ''} ${cut ? 'cut' : ''}`}>
      <Rail />
      <Page name={state.page} state={state} live={live} health={health} intervalMs={intervalMs} />
      {help && <HelpSheet onClose={() => help$.set(false)} />}
    </div>
  )
}

function Page({ name, ...props }: PageProps & { readonly name: PageName }) {
  const route = routes.find((known) => known.name === name)
  return route ? <route.page {...props} /> : <Nowhere />
}
