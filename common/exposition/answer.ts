// One scrape: the format the reader prefers, compressed when it can be, written a chunk at a time with the rest of the
// process running in between.

import type { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { contentTypes, exposition, formatOf } from './exposition.ts'
import type { Family } from './family.ts'

/** What a scrape answers. */
export interface Metrics {
  readonly contentType: string
  /** The whole answer at once; for tests and small ones. */
  readonly text: string
  /** The same in parts; may be read once. */
  readonly chunks: () => Iterable<string>
}

/** The families in the format that an Accept header prefers. */
export function metricsOf(families: Iterable<Family>, accept?: string): Metrics {
  const format = formatOf(accept)
  const chunks = () => exposition(families, format)
  return {
    contentType: contentTypes[format],
    get text() {
      return [...chunks()].join('')
    },
    chunks,
  }
}

export interface MetricsAnswer {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readable
}

/** The answer to a request with these headers. The body ends with the answer, or is destroyed by its reader. */
export function metricsAnswer(metrics: Metrics, acceptEncoding?: string): MetricsAnswer {
  // Loaded at the first scrape: a process that nobody scrapes does not pay for it.
  const { Readable, pipeline } = process.getBuiltinModule('node:stream')
  const plain = Readable.from(inTurns(metrics.chunks()), { objectMode: false })
  const headers = { 'content-type': metrics.contentType, vary: 'accept, accept-encoding' }
  if (!acceptsGzip(acceptEncoding)) return { headers, body: plain }
  const { createGzip } = process.getBuiltinModule('node:zlib')
  const body = createGzip({ level: 1 })
  pipeline(plain, body, () => undefined)
  return { headers: { ...headers, 'content-encoding': 'gzip' }, body }
}

async function* inTurns(chunks: Iterable<string>): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    yield Buffer.from(chunk)
    await nextTurn()
  }
}

export function acceptsGzip(acceptEncoding = ''): boolean {
  return acceptEncoding
    .toLowerCase()
    .split(',')
    .some((part) => /^\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0+)?\s*$).*)?$/.test(part))
}
