// The dashboard's files, and the paths of its pages: each is answered with the same document, so a link into the
// page and a reload work. Names in assets/ hold a hash of their content, so they never change.

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { pagePaths } from './contract/pages/mod.ts'
import { apiError } from './errors.ts'

export async function servePage(app: FastifyInstance, webDir: string | undefined): Promise<void> {
  if (!isBuilt(webDir)) {
    for (const path of Object.values(pagePaths)) {
      app.get(path, { schema: { hide: true } }, () => {
        throw apiError('page_not_built')
      })
    }
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
  for (const path of Object.values(pagePaths).filter((path) => path !== '/')) {
    app.get(path, { schema: { hide: true } }, (_, reply) => reply.sendFile('index.html'))
  }
}

/** Answers a browser that opened an unknown path with the page, which says so and shows ways back; else false. */
export async function answerLostBrowser(
  request: FastifyRequest,
  reply: FastifyReply,
  webDir: string | undefined,
): Promise<boolean> {
  const opens = request.method === 'GET' && /\btext\/html\b/.test(request.headers.accept ?? '')
  if (!opens || !isBuilt(webDir)) return false
  const document = await readFile(join(webDir, 'index.html'))
  reply.status(404).type('text/html; charset=utf-8')
  await reply.headers({ 'cache-control': 'no-cache', vary: 'accept' }).send(document)
  return true
}

function isBuilt(webDir: string | undefined): webDir is string {
  return webDir !== undefined && existsSync(join(webDir, 'index.html'))
}
