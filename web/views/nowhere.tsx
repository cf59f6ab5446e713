// A path that no page has: what was asked for, and the ways back.

import { useCell } from '../data/cell.ts'
import { location$ } from '../data/page.ts'
import { visible } from '../domain/text.ts'
import { routes } from '../pages/routes.ts'
import { PageLink } from './rail.tsx'

export function Nowhere() {
  const state = useCell(location$)
  return (
    <div class="main">
      <main class="page">
        <section class="panel nowhere" aria-labelledby="nowhere">
          <h1 id="nowhere">
            There is nothing at <span class="mono">{visible(location.pathname.slice(0, 200))}</span>
          </h1>
          <p>These are the pages; the API is described under /docs.</p>
          <div class="ways">
            {routes.map((route) => (
              <PageLink key={route.name} route={route} state={state} />
            ))}
          </div>
        </section>
      </main>
    </div>
  )
}
