// The JSON form of an ExportTraceServiceRequest (https://opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding"):
// ids are hexadecimal, 64-bit numbers decimal text or numbers, enums numbers, what is not known is passed over.

import { messageOf } from '../../../common/mod.ts'
import { BadMessage } from './protobuf.ts'
import type { Attributes, Span } from './request.ts'

type Json = Readonly<Record<string, unknown>>

/** Calls `each` for every span. Throws BadMessage. */
export function forEachJsonSpan(octets: Buffer, each: (span: Span) => void): void {
  for (const resourceSpans of listIn(parsed(octets), 'resourceSpans')) {
    const resource = attributesOf(objectIn(resourceSpans, 'resource'))
    for (const scopeSpans of listIn(resourceSpans, 'scopeSpans')) {
      for (const span of listIn(scopeSpans, 'spans')) each(spanOf(span, resource))
    }
  }
}

function parsed(octets: Buffer): Json {
  try {
    return asObject(JSON.parse(octets.toString('utf8')), 'the request')
  } catch (error) {
    throw error instanceof BadMessage ? error : new BadMessage(messageOf(error))
  }
}

function spanOf(span: Json, resource: Attributes): Span {
  return {
    traceId: idIn(span, 'traceId'),
    spanId: idIn(span, 'spanId'),
    kind: numberIn(span, 'kind'),
    startNs: nanosecondsIn(span, 'startTimeUnixNano'),
    endNs: nanosecondsIn(span, 'endTimeUnixNano'),
    resource,
    attributes: attributesOf(span),
  }
}

function attributesOf(holder: Json): Attributes {
  const attributes = new Map<string, string | number>()
  for (const pair of listIn(holder, 'attributes')) {
    const { key } = pair
    if (typeof key !== 'string') throw new BadMessage('an attribute has no key')
    const value = objectIn(pair, 'value')
    const { stringValue, intValue } = value
    if (typeof stringValue === 'string') attributes.set(key, stringValue)
    else if (intValue !== undefined) attributes.set(key, numberIn(value, 'intValue'))
  }
  return attributes
}

function idIn(holder: Json, name: string): string {
  const value = holder[name] ?? ''
  if (typeof value !== 'string' || !/^[0-9a-f]*$/i.test(value)) {
    throw new BadMessage(`${name} is not hexadecimal`)
  }
  return value.toLowerCase()
}

/** A whole number; 0 when it is not there. */
function numberIn(holder: Json, name: string): number {
  const value = holder[name] ?? 0
  const number = typeof value === 'string' && value !== '' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number)) {
    throw new BadMessage(`${name} is no whole number`)
  }
  return number
}

const unsigned64 = /^\d{1,20}$/

function nanosecondsIn(holder: Json, name: string): bigint {
  const value = holder[name] ?? 0
  if (typeof value === 'string' && unsigned64.test(value)) {
    return BigInt.asUintN(64, BigInt(value))
  }
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) {
    return BigInt.asUintN(64, BigInt(value))
  }
  throw new BadMessage(`${name} is no time`)
}

function listIn(holder: Json, name: string): readonly Json[] {
  const value = holder[name] ?? []
  if (!Array.isArray(value)) throw new BadMessage(`${name} is no list`)
  return value.map((one) => asObject(one, name))
}

function objectIn(holder: Json, name: string): Json {
  return asObject(holder[name] ?? {}, name)
}

function asObject(value: unknown, name: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BadMessage(`${name} is no object`)
  }
  return value as Json
}
