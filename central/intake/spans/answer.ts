// Answers of OTLP, an ExportTraceServiceResponse or a google.rpc.Status, in the form of the request.

import { createProtobufWriter } from '../../export/otlp/protobuf.ts'
import type { RequestForm, Taken } from './otlp-call.ts'

const whyRejected =
  'they have no ids, are more than 6 days old or in the future, or end before they start'

/** Empty when every span was taken. */
export function partialSuccess({ rejected }: Taken, form: RequestForm = 'protobuf'): Buffer {
  if (form === 'json') {
    const partial = { rejectedSpans: String(rejected), errorMessage: whyRejected }
    return Buffer.from(JSON.stringify(rejected > 0 ? { partialSuccess: partial } : {}))
  }
  const writer = createProtobufWriter()
  if (rejected > 0) {
    const partial = writer.begin(1)
    writer.varint(1, rejected)
    writer.text(2, whyRejected)
    writer.end(partial)
  }
  return writer.take()
}

export function statusMessage(message: string, form: RequestForm): Buffer {
  if (form === 'json') return Buffer.from(JSON.stringify({ message }))
  const writer = createProtobufWriter()
  writer.text(2, message)
  return writer.take()
}
