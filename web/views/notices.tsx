// What is wrong with Weir itself, once for the whole page: no answer since when, and what its health says.

import { useEffect, useState } from 'preact/hooks'
import { useCell } from '../data/cell.ts'
import type { Health } from '../data/contract.ts'
import { location$ } from '../data/page.ts'
import { isCut, type Trouble, trouble$ } from '../data/trouble.ts'
import { visible } from '../domain/text.ts'
import { clock } from '../domain/time.ts'
import { Mark } from './icons.tsx'

export function Notices({ health }: { readonly health: Health | undefined }) {
  const trouble = useCell(trouble$)
  const ill = (health?.checks ?? []).filter(({ status }) => status !== 'ok')
  return (
    <>
      {trouble && <NoAnswer trouble={trouble} />}
      {!isCut(trouble) &&
        ill.map(({ name, status, message }) => (
          <p key={name} class={`banner ${status === 'failing' ? 'bad' : ''}`} role="status">
            <Mark level={status === 'failing' ? 'bad' : 'warn'} />
            <span>
              <b>{visible(name)}</b> {visible(message)}
            </span>
          </p>
        ))}
    </>
  )
}

function NoAnswer({ trouble }: { readonly trouble: Trouble }) {
  const { zone } = useCell(location$)
  const { failure, sinceMs } = trouble
  const since = clock(sinceMs, zone)
  return (
    <p class="banner bad" role="alert">
      <Mark level="bad" />
      <span>
        <b>
          {isCut(trouble) ? `Disconnected: no answer since ${since}.` : visible(failure.message)}
        </b>{' '}
        {visible(failure.remedy)} What you see is from {since}. <Retry trouble={trouble} />
      </span>
    </p>
  )
}

/** `Asking again in 4 s`, counted down; not for the ear, which would hear it every second. */
function Retry({ trouble }: { readonly trouble: Trouble }) {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  const seconds = Math.ceil((trouble.retryAtMs - now) / 1000)
  return (
    <span class="dim" aria-hidden="true">
      {seconds > 0 ? `Asking again in ${seconds} s.` : 'Asking again.'}
    </span>
  )
}
