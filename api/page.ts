// The dashboard's files. Names in assets/ hold a hash of their content, so they never change.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { apiError } from './errors.ts'

export async function servePage(app: FastifyInstance, webDir: string | undefined): Promise<void> {
  if (webDir === undefined || !existsSync(join(webDir, 'index.html'))) {
    app.get('/', { schema: { hide: true } }, () => {
      throw apiError('page_not_built')
    })
    return
  }
  await app.register(fastifyStatic, {
    root: webDir,
    schemaHide: true,
    cacheControl: false,
    setHeaders: (reply, path) => {
      const forever = path.startsWith(join(webDir, 'assets'))
      reply.header('cache-control', forever ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
}
