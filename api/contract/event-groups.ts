// Events in groups and in steps: parameters and answers.

import { type Static, type TSchema, Type } from 'typebox'
import { eventTable, groupNames } from '../../wire/mod.ts'
import { coverage, seriesCoverage } from './envelope.ts'
import { tableFilters, timeRange, withMinus } from './parameters.ts'
import { groupFields, partial, type RowValues } from './rows.ts'

const metrics = ['events', 'count', 'bytes', 'last']
const names = [...groupNames(eventTable)]

const by = (minItems: number, maxItems: number) =>
  Type.Array(Type.String({ enum: names }), {
    minItems,
    maxItems,
    description:
      'Fields to group by, repeatable. A name for either end stands for both of its fields.',
  })

/** Parameters of GET /api/events/top. */
export const eventGroupsParameters = Type.Object(
  {
    ...timeRange,
    by: by(1, 10),
    order: Type.Optional(
      Type.String({
        default: '-count',
        enum: withMinus([...metrics, ...names]),
        description: 'events, count, bytes, last, or a field of `by`.',
      }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, default: 10, description: 'Groups at most.' }),
    ),
    ...tableFilters(eventTable),
  },
  { additionalProperties: false },
)

/** Parameters of GET /api/events/series. */
export const eventStepsParameters = Type.Object(
  {
    ...timeRange,
    step: Type.Optional(
      Type.String({
        default: 'auto',
        description: 'Length of a step in whole seconds (`1s`, `5m`), or `auto`.',
      }),
    ),
    by: Type.Optional(
      Type.Array(Type.String({ enum: ['kind', 'reason', 'node', 'phase', 'result'] }), {
        maxItems: 2,
        description: 'Fields of few values to group by.',
      }),
    ),
    ...tableFilters(eventTable),
  },
  { additionalProperties: false },
)

const sums = {
  events: Type.Integer({ minimum: 0, description: 'Rows.' }),
  count: Type.Integer({ minimum: 0, description: 'Packets or segments that they stand for.' }),
  bytes: Type.Integer({ minimum: 0, description: 'Their octets.' }),
}
const time = (description: string) => Type.String({ format: 'date-time', description })
const asRow = (properties: Record<string, TSchema>, title: string) =>
  Type.Unsafe<RowValues>(Type.Object(properties, { title, additionalProperties: false }))

export const eventGroupsAnswer = Type.Object(
  {
    rows: Type.Array(
      asRow(
        {
          ...groupFields(eventTable),
          ...sums,
          first: time('Of the first.'),
          last: time('Of the last.'),
        },
        'EventGroup',
      ),
    ),
    next: Type.Null(),
    totals: Type.Object(
      { groups: Type.Integer({ description: 'Number of all groups.' }), ...sums },
      { description: 'Of all groups, also those beyond `limit`.' },
    ),
    coverage,
  },
  { title: 'EventGroups' },
)

export const eventStepsAnswer = Type.Object(
  {
    rows: Type.Array(
      asRow(
        { time: time('Begin of the step.'), partial, ...groupFields(eventTable), ...sums },
        'EventStep',
      ),
      {
        description:
          'In order of time; a step (of a group) without any event is absent. All of them: more than 20,000 are refused.',
      },
    ),
    next: Type.Null(),
    step_seconds: Type.Integer({ description: 'Length of a step.' }),
    coverage: seriesCoverage,
  },
  { title: 'EventSteps' },
)

export type EventGroupsAnswer = Static<typeof eventGroupsAnswer>
export type EventStepsAnswer = Static<typeof eventStepsAnswer>
