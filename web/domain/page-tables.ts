// Which tables the questions of a page are about: what its filter is checked against. The first is completed for.

import type { RouteName } from './location.ts'

const byPage: { readonly [name in RouteName]: readonly [string, ...string[]] } = {
  overview: ['flows'],
  flows: ['flows'],
  events: ['events'],
  rules: ['rules', 'flows'],
  // A filter about connections is no mistake there: it leaves the nodes whole.
  nodes: ['ledger', 'programs', 'flows'],
}

/** Nowhere has the tables of the overview. */
export function tablesOf(page: RouteName | 'nowhere'): readonly [string, ...string[]] {
  return page === 'nowhere' ? byPage.overview : byPage[page]
}
