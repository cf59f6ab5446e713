// The one envelope of every list answer: rows, where to go on, and how much of the truth they are.

import { type Static, Type } from 'typebox'
import { monitorPrograms } from './monitor.ts'
import {
  eventRow,
  flowRow,
  groupRow,
  ledgerRow,
  metricsRow,
  partial,
  programRow,
  ruleRow,
  stepRow,
} from './rows.ts'

const time = (description: string) => Type.String({ description, format: 'date-time' })

const gap = Type.Object({
  node: Type.String(),
  from: time('Last moment that the agent is known to have watched, or the begin of the range.'),
  to: time('First moment that it watched again, or the end of the range.'),
})

const share = Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()], {
  description:
    'Rows stored / (rows stored + rows known lost), of the range and nodes asked for whatever else is filtered, because nobody knows what was in a lost row. Each lost record or row counts as one row. 1 only when nothing is known lost; null when nothing was stored, nothing lost and no agent watched.',
})

const coverageFields = {
  share,
  watched: Type.Number({
    minimum: 0,
    maximum: 1,
    description:
      'The part of range × known nodes in which an agent watched; a node is known from its first report on, and a range before the first report of all is unwatched. The range times this is the watched time that rates are over.',
  }),
  lost: Type.Record(Type.String(), Type.Integer(), {
    description: 'Rows known lost by cause; only causes above 0.',
  }),
  gaps: Type.Array(gap, {
    description:
      'Times without an agent on a node that had one before, silent ones included, or without the probe of what is asked for; what happened then is not in the share. At most 1000, the newest.',
  }),
}

export const coverage = Type.Object(coverageFields, { title: 'Coverage' })

export const seriesCoverage = Type.Object(
  {
    ...coverageFields,
    steps: Type.Array(Type.Object({ time: time('Begin of the step.'), share, partial }), {
      description: 'The share of every step of the range, in order; null where no agent watched.',
    }),
  },
  { title: 'SeriesCoverage' },
)

const next = Type.Union([Type.String(), Type.Null()], {
  description: 'Pass as `cursor`, all else unchanged, for the next page; null on the last.',
})

export const rowsAnswer = Type.Object(
  { rows: Type.Array(flowRow), next, coverage },
  { title: 'Flows' },
)

export const eventsAnswer = Type.Object(
  { rows: Type.Array(eventRow), next, coverage },
  { title: 'Events' },
)

const approximate = Type.Optional(
  Type.Record(Type.String(), Type.Number({ minimum: 0, maximum: 1 }), {
    description:
      'Which figures are estimates, and their relative error (of 997 in 1000 figures; of percentiles of all). Absent when every figure is exact: up to 5,000,000 rows, and sums always.',
  }),
)

const source = Type.Union([Type.Literal('rows'), Type.Literal('minute'), Type.Literal('hour')], {
  description: 'What the answer is made of: the rows themselves, or their sums per minute or hour.',
})

export const topAnswer = Type.Object(
  {
    rows: Type.Array(groupRow),
    next: Type.Null(),
    totals: Type.Intersect(
      [
        Type.Object({
          groups: Type.Integer({ description: 'Number of all groups, a fold counted as one.' }),
          folded_ports: Type.Integer({
            description: 'Groups of ephemeral ports that stand folded in others; see `fold`.',
          }),
        }),
        metricsRow,
      ],
      {
        description:
          'The metrics over exactly the range, of all groups, also those beyond `limit`: the same figures as the totals of /api/series.',
      },
    ),
    source,
    approximate,
    coverage,
  },
  { title: 'Top' },
)

export const seriesAnswer = Type.Object(
  {
    rows: Type.Array(stepRow, {
      description: 'In order of time; a step (of a group) without any row is absent, not 0.',
    }),
    next: Type.Null(),
    totals: Type.Unsafe<Record<string, number | null>>({
      ...metricsRow,
      description:
        'The metrics over exactly the range: what the steps sum to, the partial first and last included. The same figures as the totals of /api/top.',
    }),
    source,
    approximate,
    step_seconds: Type.Integer({ description: 'Length of a step.' }),
    coverage: seriesCoverage,
  },
  { title: 'Series' },
)

export const ledgerAnswer = Type.Object(
  { rows: Type.Array(ledgerRow), next: Type.Null(), coverage },
  { title: 'Ledger' },
)

export const programsAnswer = Type.Object(
  {
    rows: Type.Array(programRow),
    next: Type.Null(),
    coverage,
    ...monitorPrograms.properties,
    query_time: time('When it was asked.'),
  },
  { title: 'Programs' },
)

export const rulesAnswer = Type.Object(
  { rows: Type.Array(ruleRow), next: Type.Null(), coverage },
  { title: 'Rules' },
)

export type Gap = Static<typeof gap>
export type Coverage = Static<typeof coverage>
export type SeriesCoverage = Static<typeof seriesCoverage>
export type RowsAnswer = Static<typeof rowsAnswer>
export type EventsAnswer = Static<typeof eventsAnswer>
export type TopAnswer = Static<typeof topAnswer>
export type SeriesAnswer = Static<typeof seriesAnswer>
export type LedgerAnswer = Static<typeof ledgerAnswer>
export type ProgramsAnswer = Static<typeof programsAnswer>
export type RulesAnswer = Static<typeof rulesAnswer>
