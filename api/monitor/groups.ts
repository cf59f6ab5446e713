// Events counted by fields whose values are few: what the eBPF network monitor's sums are made of.

import {
  type EventGroups,
  type EventGroupsQuestion,
  type QuestionOptions,
  readEventGroups,
} from '../../store/query/mod.ts'
import { eventTable } from '../../wire/mod.ts'
import type { RouteDeps } from '../routes/deps.ts'

/** All groups. Errors: those of the reader. */
export function eventGroupsOf(
  { reader }: Pick<RouteDeps, 'reader'>,
  scope: Pick<EventGroupsQuestion, 'range' | 'filter'>,
  ...[names, options]: [readonly string[], QuestionOptions]
): Promise<EventGroups> {
  const by = eventTable.fields.filter(({ name }) => names.includes(name))
  const order = { by: 'events', descending: true } as const
  return readEventGroups(reader, { ...scope, by, order, limit: 100_000 }, options)
}
