// Which probes a question needs: while one of them is not open, nobody can answer it whole.

import { type Filter, listsOf } from '../filter/filter.ts'
import { eventKinds } from './event-kinds.ts'
import type { Table } from './field.ts'
import { isOfInterfaces } from './flow-metrics.ts'

/** Probes whose records become the rows of the table that are asked for: those of the view, or of the kinds of events. */
export function probesAsked(table: Table, filter: Filter): readonly string[] {
  const [kinds] = listsOf(filter, 'kind')
  if (!kinds) return probesOfView(table, filter)
  return eventKinds.flatMap(({ name, probes }) => (kinds.includes(name) ? [...probes] : []))
}

/** The same, whatever kinds are asked for: nobody knows of which kind a lost event was. */
export function probesOfView(table: Table, filter: Filter): readonly string[] {
  const { probes = [], interfaceProbes } = table
  return interfaceProbes && isOfInterfaces(filter) ? interfaceProbes : probes
}
