// GET /api/events/top and /api/events/series: how many events, by what, and when.

import {
  type EventMetric,
  eventStepsMax,
  readEventGroups,
  readEventSteps,
  readSteppedCoverage,
  readWatch,
} from '../../store/query/mod.ts'
import { eventTable, type Field, fieldsByName } from '../../wire/mod.ts'
import {
  type EventGroupsAnswer,
  type EventStepsAnswer,
  eventGroupsAnswer,
  eventGroupsParameters,
  eventStepsAnswer,
  eventStepsParameters,
} from '../contract/mod.ts'
import { badParameter } from '../errors.ts'
import { stepNsOf } from '../question/step.ts'
import { defineQuestion, limitOf } from './define-question.ts'

const names = fieldsByName(eventTable)
const metrics: readonly string[] = ['events', 'count', 'bytes', 'last']
const stepsRowsMax = 500

export const eventGroupsRoute = defineQuestion<EventGroupsAnswer>(eventTable, {
  path: '/api/events/top',
  summary: 'Groups of events: how many, of how many packets, when the last',
  tag: 'events',
  parameters: eventGroupsParameters,
  answer: eventGroupsAnswer,
  rowsMax: limitOf,
  read: async ({ query, range, filter, reader, options }) => {
    const by = fieldsOf(query['by'])
    const order = orderOf(query['order'] as string, by)
    const question = { range, filter, by, order, limit: limitOf(query) }
    const { rows, totals } = await readEventGroups(reader, question, options)
    return { rows: [...rows], totals }
  },
})

export const eventStepsRoute = defineQuestion<EventStepsAnswer>(eventTable, {
  path: '/api/events/series',
  summary: 'Events over time',
  tag: 'events',
  parameters: eventStepsParameters,
  answer: eventStepsAnswer,
  rowsMax: () => stepsRowsMax,
  coversItself: true,
  read: async ({ query, range, filter, nowNs, reader, options }) => {
    const watched = { range, filter, nowNs, table: eventTable }
    const watch = await readWatch(reader, watched, options)
    const stepNs = stepNsOf(query['step'] as string, range, watch.intervalNs)
    const scope = { range, filter, stepNs }
    const [{ rows, isWhole }, coverage] = await Promise.all([
      readEventSteps(reader, { ...scope, by: fieldsOf(query['by']) }, options),
      readSteppedCoverage(reader, { ...scope, nowNs, watch, table: eventTable }, options),
    ])
    if (!isWhole) throw tooManySteps()
    return { rows: [...rows], step_seconds: Number(stepNs / 1_000_000_000n), coverage }
  },
})

/** The fields of `by`, both ends for a name without one, none twice. */
function fieldsOf(by: unknown): readonly Field[] {
  const asked = (by as readonly string[] | undefined) ?? []
  return [...new Set(asked.flatMap((name) => names.get(name) ?? []))]
}

/** An answer that stops somewhere would read as if nothing happened after. */
function tooManySteps() {
  const reason = `more than ${eventStepsMax} steps of groups`
  return badParameter('by', reason, 'Give fewer fields, a longer step or a shorter range.')
}

function orderOf(text: string, by: readonly Field[]) {
  const descending = text.startsWith('-')
  const name = descending ? text.slice(1) : text
  // `bytes` and `count` are fields too: of groups their sums are meant.
  if (metrics.includes(name)) return { by: name as EventMetric, descending }
  const field = by.find((candidate) => candidate.name === name)
  if (field) return { by: field, descending }
  const hint = `Add by=${name}, or order by -count, -events, -bytes or -last.`
  throw badParameter('order', `${name} is not among the fields of \`by\``, hint)
}
