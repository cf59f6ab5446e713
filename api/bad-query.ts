// Validation errors of a query string become one clear sentence that names the parameter and the nearest name.

import type { FastifyRequest } from 'fastify'
import type { AppError } from '../common/mod.ts'
import { apiError, badParameter } from './errors.ts'
import { nearestName } from './question/nearest.ts'
import { quoted } from './question/time.ts'

/** The part of an Ajv error that is read here. */
export interface Violation {
  readonly keyword: string
  readonly instancePath: string
  readonly params: Readonly<Record<string, unknown>>
  readonly message?: string
}

/** `names`: every parameter that the route knows. */
export function badQuery(
  violation: Violation,
  request: FastifyRequest,
  names: readonly string[],
): AppError {
  const { keyword, params } = violation
  if (keyword === 'additionalProperties') {
    return unknownParameter(String(params['additionalProperty']), names)
  }
  if (keyword === 'required') {
    const parameter = String(params['missingProperty'])
    return badParameter(parameter, 'is needed', `Add ${parameter}=… to the address.`)
  }
  const [parameter = '', index] = violation.instancePath.split('/').slice(1)
  const given = (request.query as Record<string, unknown>)[parameter]
  const value = String(index === undefined ? given : (given as unknown[])[Number(index)])
  if (keyword === 'enum') return notAmong(parameter, value, params['allowedValues'] as string[])
  const reason = `${quoted(value)} ${violation.message ?? 'is refused'}`
  return badParameter(parameter, reason, 'See /docs for what it takes.')
}

function unknownParameter(typed: string, names: readonly string[]): AppError {
  const nearest = nearestName(typed, names)
  const hint = nearest
    ? `Did you mean ${nearest}?`
    : 'Every field is a parameter; GET /api/fields lists them.'
  const suggestion = nearest ? { suggestion: nearest } : {}
  return apiError('unknown_parameter', {
    details: { parameter: printable(typed), hint, ...suggestion },
  })
}

function notAmong(parameter: string, value: string, allowed: readonly string[]): AppError {
  const nearest = nearestName(value, allowed)
  const hint = nearest ? `Did you mean ${nearest}?` : `One of: ${allowed.join(', ')}`
  return badParameter(parameter, `${quoted(value)} is not known`, hint)
}

/** A plain name as it is, anything else as JSON, so that it cannot pass for words of ours. */
function printable(name: string): string {
  return /^\w{1,80}$/.test(name) ? name : quoted(name)
}
