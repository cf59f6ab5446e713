// Every route declares all its answers, the errors too: the OpenAPI document is made of them.

import { type TSchema, Type } from 'typebox'
import type { Approximate } from '../../store/query/mod.ts'

/** Name of the error body among the application's shared schemas. */
export const errorSchemaId = 'Error'

const failures: Readonly<Record<number, string>> = {
  400: 'A parameter is unknown or cannot be.',
  413: 'The question needs more memory or rows than one may have.',
  414: 'The address is longer than 16 kB.',
  421: 'The Host header is no name of this server.',
  500: 'A fault in Weir.',
  503: 'The store is away, too many questions are being answered, or slow readers hold too many answers.',
  504: 'The question took too long.',
}

/** In an answer only when something in it is an estimate. */
export function approximateOf(approximate: Approximate): { approximate?: Approximate } {
  return Object.keys(approximate).length > 0 ? { approximate } : {}
}

export function responses(success: TSchema): Record<number, TSchema> {
  return answersOf({ description: 'The answer.', ...success })
}

/** Of a route that answers with octets of one of these media types. */
export function fileResponses(types: readonly string[]): Record<number, TSchema> {
  const schema = { type: 'string', format: 'binary' }
  const content = Object.fromEntries(types.map((type) => [type, { schema }]))
  return answersOf({ description: 'The file.', content } as unknown as TSchema)
}

function answersOf(success: TSchema): Record<number, TSchema> {
  const errors = Object.entries(failures).map(([status, description]) => [
    status,
    { content: { 'application/json': { schema: Type.Ref(`${errorSchemaId}#`) } }, description },
  ])
  return {
    200: success,
    304: { description: 'The answer is still the one of `If-None-Match`.', type: 'null' },
    ...Object.fromEntries(errors),
  } as Record<number, TSchema>
}
