// How the server is (/health for people, /healthz and /readyz for probes), its own figures, its fields.

import type { FastifyInstance } from 'fastify'
import { type TSchema, Type } from 'typebox'
import { metricsAnswer } from '../../common/exposition/mod.ts'
import {
  dropReasonsAnswer,
  dropReasonsOf,
  exportsAnswer,
  fieldsAnswer,
  fieldsOf,
  health,
  metricsJsonAnswer,
} from '../contract/mod.ts'
import type { RouteDeps } from './deps.ts'
import { responses } from './responses.ts'

/** The worst of the checks, as the eBPF network monitor has it. */
const healthWords = { ok: 'healthy', degraded: 'degraded', failing: 'unhealthy' } as const

const text = Type.String()
const tags = ['server']

export function statusRoutes(app: FastifyInstance, deps: RouteDeps): void {
  const none = Type.Object({}, { additionalProperties: false })
  const describe = (summary: string, response: Record<number, TSchema>) => ({
    schema: { summary, tags, querystring: none, response },
  })
  const both = (success: TSchema) => ({ 200: success, 503: success })

  const healthSchema = describe('Whether all is well, and who reports', both(health))
  app.get('/health', healthSchema, async (_, reply) => {
    const state = await deps.health()
    const upMs = Number(deps.nowNs() / 1_000_000n) - Date.parse(state.started)
    const uptime = Number.isFinite(upMs)
      ? { uptime: `${Math.max(0, Math.floor(upMs / 1000))}s` }
      : {}
    const status = healthWords[state.status]
    const body = { ...state, status, component: 'aggregator', ...uptime }
    return reply.status(state.status === 'failing' ? 503 : 200).send(body)
  })
  const aliveSchema = describe('Whether the process lives', { 200: text })
  app.get('/healthz', aliveSchema, (_, reply) => reply.send('ok\n'))
  const readySchema = describe('Whether questions can be answered', both(text))
  app.get('/readyz', readySchema, async (_, reply) => {
    const { status } = await deps.health()
    return reply.status(status === 'failing' ? 503 : 200).send(`${status}\n`)
  })
  const metricsSchema = describe("The server's own figures, for Prometheus", { 200: text })
  app.get('/metrics', metricsSchema, async (request, reply) => {
    const { accept, 'accept-encoding': encoding } = request.headers
    const { headers, body } = metricsAnswer(await deps.metrics(accept), String(encoding ?? ''))
    return reply.headers(headers).send(body)
  })

  const packetsSchema = describe('Packets by agent and label, as of the XDP telemetry system', {
    200: metricsJsonAnswer,
  })
  app.get('/metrics.json', packetsSchema, (_, reply) => {
    const text = deps.packetsJson?.() ?? '{"total_events":0,"nodes":[]}'
    return reply.type('application/json').header('cache-control', 'no-store').send(text)
  })

  const exports = {
    summary: 'Who else gets the rows: how far each receiver is, and what went wrong last',
    tags,
    querystring: none,
    response: responses(exportsAnswer),
  }
  app.get('/api/exports', { schema: exports }, () => ({ rows: deps.exports?.() ?? [] }))

  const fields = {
    summary: 'All fields and metrics: names, kinds, units, words',
    tags: ['flows'],
    querystring: none,
    response: responses(fieldsAnswer),
  }
  app.get('/api/fields', { schema: fields }, () => fieldsOf())

  const reasons = {
    summary: 'Reasons for drops in plain words: what they mean, what to do next',
    tags: ['events'],
    querystring: none,
    response: responses(dropReasonsAnswer),
  }
  app.get('/api/drop-reasons', { schema: reasons }, () => dropReasonsOf())
}
