// A filter that somebody is typing: whether it is right, for which tables, and what could stand at the caret.

import { type Static, Type } from 'typebox'
import { tables } from '../../wire/mod.ts'

const tableNames = tables.map(({ name }) => name)

/** Parameters of GET /api/filter. */
export const filterParameters = Type.Object(
  {
    filter: Type.String({ description: 'The text as it is typed so far.' }),
    table: Type.Optional(
      Type.Array(Type.String({ enum: [...tableNames] }), {
        default: ['flows'],
        minItems: 1,
        maxItems: tableNames.length,
        description: 'Tables whose rows it is for, repeatable; the first is completed for.',
      }),
    ),
    caret: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 65_535,
        description: 'Completes there: characters from 0.',
      }),
    ),
  },
  { additionalProperties: false },
)

const filterFault = Type.Object({
  position: Type.Integer({ description: 'Of the mistake: characters from 0.' }),
  message: Type.String(),
  suggestion: Type.Optional(Type.String({ description: 'What was probably meant.' })),
})

const option = Type.Object({ text: Type.String(), help: Type.String() })

const completion = Type.Object({
  expected: Type.String({ description: 'field, operator, value, list or joint.' }),
  from: Type.Integer({ description: 'An option replaces the characters from here …' }),
  to: Type.Integer({ description: '… up to here.' }),
  typed: Type.String(),
  fields: Type.Array(Type.String(), {
    description: 'The fields that an operator or a value belongs to; two are the two ends.',
  }),
  options: Type.Array(option, {
    description: 'The likeliest first. Values that only rows know are asked of /api/top.',
  }),
})

export const filterAnswer = Type.Object(
  {
    tables: Type.Array(
      Type.Object({
        table: Type.String(),
        fault: Type.Union([filterFault, Type.Null()], {
          description: 'Why no row of the table can be filtered so; null when it can.',
        }),
      }),
    ),
    completion: Type.Union([completion, Type.Null()], {
      description: 'Null without `caret`, and after a mistake.',
    }),
  },
  { title: 'FilterCheck' },
)

export type FilterFault = Static<typeof filterFault>
export type FilterCompletion = Static<typeof completion>
export type FilterAnswer = Static<typeof filterAnswer>
