// Every route declares all its answers, the errors too: the OpenAPI document is made of them.

import type { TSchema } from 'typebox'
import { errorBody } from '../contract/mod.ts'

const failures = [400, 413, 421, 500, 503, 504]

export function responses(success: TSchema): Record<number, TSchema> {
  return Object.fromEntries([[200, success], ...failures.map((status) => [status, errorBody])])
}
