// Validation errors of a query string become one clear sentence that names the parameter and the nearest name.

import type { FastifyRequest } from 'fastify'
import { type AppError, nearestName, nearestNames } from '../common/mod.ts'
import { apiError, badParameter } from './errors.ts'
import { faultOf, parameterField } from './question/filters.ts'
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
  const asked = { ...(request.query as object), ...(request.body as object | undefined) }
  const given = (asked as Record<string, unknown>)[parameter]
  const value = String(index === undefined ? given : (given as unknown[])[Number(index)])
  if (keyword === 'enum') return notAmong(parameter, value, params['allowedValues'] as string[])
  if (Array.isArray(given) && index === undefined) {
    return badParameter(parameter, 'is given more than once', 'Give one value.')
  }
  const field = parameterField(parameter)
  const fault = field && faultOf(parameter, field, value)
  return (
    fault ?? badParameter(parameter, `${quoted(value)} ${reasonOf(violation)}`, hintOf(violation))
  )
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

/** Few names are listed; of many the nearest three are enough, with the sign that was typed. */
const listedMax = 12
const offered = 3

function notAmong(parameter: string, value: string, allowed: readonly string[]): AppError {
  const sign = value.startsWith('-') ? '-' : ''
  const names = allowed.filter((name) => !name.startsWith('-'))
  const typed = value.slice(sign.length)
  const reason = `${quoted(value)} is not known`
  const nearest = nearestName(typed, names)
  if (names.length <= listedMax) {
    const hint = nearest ? `Did you mean ${sign}${nearest}?` : `One of: ${names.join(', ')}.`
    return badParameter(parameter, reason, hint, nearest && sign + nearest)
  }
  const near = nearestNames(typed, names, offered).map((name) => sign + name)
  const hint = near.length > 0 ? `The nearest: ${near.join(', ')}.` : 'GET /api/fields lists all.'
  return badParameter(parameter, reason, hint, nearest && sign + nearest)
}

/** What Ajv found, as a sentence about the value. */
function reasonOf({ keyword, params, message }: Violation): string {
  if (keyword === 'type') return params['type'] === 'integer' ? 'is no whole number' : 'is not that'
  if (keyword === 'minimum') return `is below ${params['limit']}`
  if (keyword === 'maximum') return `is above ${params['limit']}`
  return message ?? 'is refused'
}

function hintOf({ keyword, params }: Violation): string {
  if (keyword === 'minimum') return `Give ${params['limit']} or more.`
  if (keyword === 'maximum') return `Give ${params['limit']} or less.`
  return params['type'] === 'integer'
    ? 'Give a number such as 100.'
    : 'See /docs for what it takes.'
}

/** A plain name as it is, anything else as JSON, so that it cannot pass for words of ours. */
function printable(name: string): string {
  return /^\w{1,80}$/.test(name) ? name : quoted(name)
}
