// Which probes a question needs: while one of them is not open, nobody can answer it whole.

import { conditionsOf, type Filter } from '../filter/filter.ts'
import { eventKinds } from './event-kinds.ts'
import type { Table } from './field.ts'
import { isOfInterfaces } from './flow-metrics.ts'

/** Probes whose records become the rows of the table that are asked for: those of the view, or of the kinds of events. */
export function probesAsked(table: Table, filter: Filter): readonly string[] {
  const { probes = [], interfaceProbes } = table
  if (interfaceProbes && isOfInterfaces(filter)) return interfaceProbes
  const asked = kindsAsked(filter)
  return asked ? eventKinds.filter(({ name }) => asked.includes(name)).flatMap(probesOf) : probes
}

function probesOf({ probes }: (typeof eventKinds)[number]): readonly string[] {
  return probes
}

/** Undefined when the filter does not list kinds of events. */
function kindsAsked(filter: Filter): readonly unknown[] | undefined {
  for (const part of conditionsOf(filter)) {
    if (part.kind !== 'compare' || part.test.kind !== 'in') continue
    if (part.fields[0].name === 'kind') return part.test.values
  }
  return undefined
}
