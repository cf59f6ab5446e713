// The pages: what the router, the rail and the keys know of each. The paths are a list that the server reads too.

import type { ComponentType } from 'preact'
import { pagePaths } from '../../api/contract/pages/mod.ts'
import type { RouteName } from '../domain/location.ts'
import type { PageProps } from '../views/page-frame.tsx'
import { EventsPage } from './events/events-page.tsx'
import { FlowsPage } from './flows/flows-page.tsx'
import { NodesPage } from './nodes/nodes-page.tsx'
import { Overview } from './overview/overview.tsx'
import { RulesPage } from './rules/rules-page.tsx'

export interface Route {
  /** The icon of the page has the same name. */
  readonly name: RouteName
  readonly title: string
  /** After `g`. */
  readonly key: string
  readonly page: ComponentType<PageProps>
}

const pages: { readonly [name in RouteName]: Omit<Route, 'name'> } = {
  overview: { title: 'Overview', key: 'o', page: Overview },
  flows: { title: 'Flows', key: 'f', page: FlowsPage },
  events: { title: 'Events', key: 'e', page: EventsPage },
  rules: { title: 'Rules', key: 'r', page: RulesPage },
  nodes: { title: 'Nodes', key: 'n', page: NodesPage },
}

/** In the order of the rail. */
export const routes: readonly Route[] = (Object.keys(pagePaths) as RouteName[]).map((name) => ({
  name,
  ...pages[name],
}))
