// Answers are compressed when the client can read it and it pays: JSON rows repeat their names, so the fastest
// level already leaves a tenth. zstd costs least, gzip is what everybody has.

import type { FastifyInstance } from 'fastify'

const compressedFromBytes = 1024

type Encoding = 'zstd' | 'br' | 'gzip'

/** Compresses every text answer of the application. */
export function compressAnswers(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (typeof payload !== 'string') return payload
    reply.header('vary', 'accept-encoding')
    if (payload.length < compressedFromBytes) return payload
    const encoding = encodingOf(String(request.headers['accept-encoding'] ?? ''))
    if (!encoding) return payload
    reply.header('content-encoding', encoding)
    reply.removeHeader('content-length')
    return compressed(payload, encoding)
  })
}

/** What the client takes, the cheapest for us first; undefined for none. */
export function encodingOf(header: string): Encoding | undefined {
  const qualities = new Map(
    header.split(',').map((part) => {
      const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
      const quality = parameters.find((text) => text.startsWith('q='))?.slice(2)
      return [name, quality === undefined ? 1 : Number(quality)] as const
    }),
  )
  const takes = (name: string) => (qualities.get(name) ?? qualities.get('*') ?? 0) > 0
  return (['zstd', 'br', 'gzip'] as const).find(takes)
}

function compressed(text: string, encoding: Encoding): Promise<Buffer> {
  const zlib = process.getBuiltinModule('node:zlib')
  const { constants } = zlib
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, octets: Buffer) => (error ? reject(error) : resolve(octets))
    if (encoding === 'gzip') zlib.gzip(text, { level: 1 }, done)
    else if (encoding === 'br') {
      zlib.brotliCompress(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }, done)
    } else {
      zlib.zstdCompress(text, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }, done)
    }
  })
}
