// An ExportTraceServiceRequest (opentelemetry-proto 1.11: trace.proto, common.proto, resource.proto) → spans.

import { forEachField, textOf, type WireField } from './protobuf.ts'

/** Texts and whole numbers of attributes, by their name; other values are left out. */
export type Attributes = ReadonlyMap<string, string | number>

export interface Span {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number
  /** Nanoseconds since 1970. */
  readonly startNs: bigint
  readonly endNs: bigint
  readonly resource: Attributes
  readonly attributes: Attributes
}

/** Calls `each` for every span. Throws BadMessage. */
export function forEachSpan(octets: Buffer, each: (span: Span) => void): void {
  inside(octets, 1, { at: 0, value: octets.length }, (resourceSpans) => {
    const resource = new Map<string, string | number>()
    // The resource may come behind its spans.
    inside(octets, 1, resourceSpans, (one) => readAttributes(octets, 1, one, resource))
    inside(octets, 2, resourceSpans, (scopeSpans) =>
      inside(octets, 2, scopeSpans, (span) => each(readSpan(octets, span, resource))),
    )
  })
}

interface Place {
  readonly at: number
  readonly value: number
}

/** Calls `each` with the place of every field of that number. */
function inside(
  octets: Buffer,
  number: number,
  { at, value }: Place,
  each: (place: Place) => void,
): void {
  forEachField(octets, at, at + value, (field) => {
    if (field.number === number) each({ at: field.at, value: field.value })
  })
}

function readSpan(octets: Buffer, { at, value }: Place, resource: Attributes): Span {
  const attributes = new Map<string, string | number>()
  const span = { traceId: '', spanId: '', kind: 0, startNs: 0n, endNs: 0n, resource, attributes }
  const hex = (field: WireField) => octets.toString('hex', field.at, field.at + field.value)
  const time = (field: WireField) => (field.value === 8 ? octets.readBigUInt64LE(field.at) : 0n)
  forEachField(octets, at, at + value, (field) => {
    if (field.number === 1) span.traceId = hex(field)
    else if (field.number === 2) span.spanId = hex(field)
    else if (field.number === 6) span.kind = field.value
    else if (field.number === 7) span.startNs = time(field)
    else if (field.number === 8) span.endNs = time(field)
    else if (field.number === 9) readAttribute(octets, field, attributes)
  })
  return span
}

function readAttributes(
  octets: Buffer,
  number: number,
  place: Place,
  into: Map<string, string | number>,
): void {
  inside(octets, number, place, (one) => readAttribute(octets, one, into))
}

/** KeyValue: key 1, value 2; of the value text 1, bool 2, whole number 3. */
function readAttribute(
  octets: Buffer,
  { at, value }: Place,
  into: Map<string, string | number>,
): void {
  let key = ''
  let content: Place | undefined
  forEachField(octets, at, at + value, (field) => {
    if (field.number === 1) key = textOf(octets, field)
    else if (field.number === 2) content = { at: field.at, value: field.value }
  })
  if (!content) return
  forEachField(octets, content.at, content.at + content.value, (field) => {
    if (field.number === 1) into.set(key, textOf(octets, field))
    else if (field.number === 3) into.set(key, field.value)
  })
}
