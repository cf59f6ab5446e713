// The body of every answer that is not a success; codes stand in the error tables (docs/reference/errors.md).

import { type Static, Type } from 'typebox'

export const errorBody = Type.Object(
  {
    error: Type.Object({
      code: Type.String({ description: 'Stable name of the error, for programs.' }),
      message: Type.String({ description: 'What is wrong, for people.' }),
      remedy: Type.String({ description: 'What to do about it.' }),
      details: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]), {
        description: 'The values in the message; `parameter` names the parameter that is at fault.',
      }),
    }),
  },
  { title: 'Error' },
)

export type ErrorBody = Static<typeof errorBody>
