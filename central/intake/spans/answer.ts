// Answers of OTLP: an ExportTraceServiceResponse, or a google.rpc.Status.

import { createProtobufWriter } from '../../export/otlp/protobuf.ts'
import type { Taken } from './otlp-call.ts'

/** Empty when every span was taken. */
export function partialSuccess({ rejected }: Taken): Buffer {
  const writer = createProtobufWriter()
  if (rejected > 0) {
    const partial = writer.begin(1)
    writer.varint(1, rejected)
    writer.text(
      2,
      'they have no ids, are more than 6 days old or in the future, or end before they start',
    )
    writer.end(partial)
  }
  return writer.take()
}

export function statusMessage(message: string): Buffer {
  const writer = createProtobufWriter()
  writer.text(2, message)
  return writer.take()
}
