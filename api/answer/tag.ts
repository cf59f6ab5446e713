// Entity tags of answers: the same question of the same rows has the same tag, so a client that has the answer
// gets 304 and the store is not asked. The store's revision changes with every insert. Time changes answers
// too (rows leave the begin of a relative range, a silent agent becomes a gap), so a tag ends after 15 s, as
// long as silence takes to count.

import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'

const lifeNs = 15_000_000_000n

/** Weak: equal answers may differ in their encoding. */
export function tagOf(request: FastifyRequest, revision: string, nowNs: bigint): string {
  const parts = JSON.stringify([request.url, revision, String(nowNs / lifeNs)])
  return `W/"${createHash('sha256').update(parts).digest('base64url').slice(0, 22)}"`
}

/** Whether `If-None-Match` has the tag; weak comparison (RFC 9110, 13.1.2). */
export function isKnown(request: FastifyRequest, tag: string): boolean {
  const known = String(request.headers['if-none-match'] ?? '')
  const bare = (text: string) => text.trim().replace(/^W\//, '')
  return known.split(',').some((text) => bare(text) === bare(tag))
}
