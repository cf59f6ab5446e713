// What a browser may do with our answers, and which names we answer to. The page is read by whoever can
// reach the port: a foreign website must not be able to (no CORS; a Host that is not ours is refused,
// which stops DNS rebinding).

import type { FastifyInstance } from 'fastify'
import { apiError } from './errors.ts'

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

/** Swagger UI writes style attributes, uses data: images and no trusted types; under /docs alone. */
export const docsPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const headers = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/** `hosts`: names and addresses that are ours beside the loopback ones, without a port. */
export function secure(app: FastifyInstance, hosts: readonly string[]): void {
  const ours = new Set(['localhost', '127.0.0.1', '[::1]', ...hosts.map(bracketed)])
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers)
    if (request.url.startsWith('/api')) reply.header('cache-control', 'no-store')
    const host = hostOf(request.headers.host ?? '')
    if (!ours.has(host)) {
      throw apiError('host_refused', { details: { host: JSON.stringify(host.slice(0, 80)) } })
    }
  })
}

/** The host of a Host header in lower case, without port and final dot. */
function hostOf(header: string): string {
  return header.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '')
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host.toLowerCase()
}
