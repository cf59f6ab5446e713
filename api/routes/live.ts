// GET /api/live: rows of a table as they come, filtered, as server-sent events.

import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Reporter } from '../../common/mod.ts'
import {
  fieldsIn,
  flowTable,
  inOneView,
  parseFilter,
  type Table,
  tableNamed,
} from '../../wire/mod.ts'
import { liveParameters } from '../contract/mod.ts'
import { apiError, badParameter } from '../errors.ts'
import { createLive, type LiveConfig, type LiveSource } from '../live/live.ts'
import { responses } from './responses.ts'

interface Query {
  readonly table: string
  readonly filter?: string
}

export interface LiveDeps {
  readonly source: LiveSource
  readonly nowNs: () => bigint
}

export function liveRoute(
  app: FastifyInstance,
  config: LiveConfig,
  { source, nowNs }: LiveDeps,
  reporter: Reporter,
): void {
  const live = createLive(config, source, reporter)
  app.addHook('preClose', async () => live.stop())
  const text = Type.String({
    description:
      'Lines of server-sent events: `data:` is a row; `event: lost` says how many did not fit.',
  })
  const schema = {
    summary: 'Rows as they come: server-sent events',
    description:
      'Each `data:` is one row as lists have it. A reader that is too slow loses rows of its own: `event: lost` with `{"rows": count}` says how many, before the next row.',
    tags: ['flows', 'events'],
    querystring: liveParameters,
    response: {
      ...responses(text),
      200: { description: 'The stream.', content: { 'text/event-stream': { schema: text } } },
    },
  }
  app.get('/api/live', { schema, exposeHeadRoute: false }, async (request, reply) => {
    const { table: name, filter: text = '' } = request.query as Query
    const table = tableNamed(name) as Table
    const asked = parseFilter(text, { table, nowNs: nowNs() })
    const filter = table === flowTable ? inOneView(asked) : asked
    const derived = table.derived.find((field) => fieldsIn(filter).has(field.name))
    if (derived) {
      const reason = `${derived.name} is computed by the store`
      throw badParameter('filter', reason, 'Filter by addresses and ports instead.')
    }
    const headers = Object.fromEntries(
      Object.entries(reply.getHeaders()).map(([key, value]) => [key, String(value)]),
    )
    if (!live.open(reply.raw, { table, filter, headers })) throw apiError('live_full')
    reply.hijack()
    return reply
  })
}
