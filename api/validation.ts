// Ajv for query strings, set by hand: Fastify's own would drop unknown parameters without a word, and
// compile every schema at the start (28 MB of memory), though most are never asked for.

import { Ajv, type ValidateFunction } from 'ajv'
import type { FastifySchemaCompiler, FastifySchemaValidationError } from 'fastify'

type Violations = FastifySchemaValidationError[] | null

/** Validators that compile when first used; arrays are made of single values, numbers of their text. */
export function createValidatorCompiler(): FastifySchemaCompiler<object> {
  const ajv = new Ajv({
    coerceTypes: 'array',
    useDefaults: true,
    removeAdditional: false,
    validateSchema: false,
    addUsedSchema: false,
  })
  return ({ schema }) => {
    let compiled: ValidateFunction | undefined
    const validate = (query: unknown): boolean => {
      compiled ??= ajv.compile(schema)
      const isValid = compiled(query)
      validate.errors = compiled.errors as Violations
      return isValid
    }
    validate.errors = null as Violations
    return validate
  }
}
