// GET /api/top: groups of flow rows, the largest first, and how much all of them are.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { readCoverage, readTop } from '../../store/query/mod.ts'
import { type TopAnswer, topAnswer, topParameters } from '../contract/mod.ts'
import { flowFiltersOf, type Query } from '../question/filters.ts'
import { groupFields, groupOrderOf, metricsOf } from '../question/order.ts'
import { parseRange } from '../question/time.ts'
import type { RouteDeps } from './deps.ts'
import { approximateOf, responses } from './responses.ts'

const schema = {
  summary: 'Who talks to whom: groups of flows with their metrics',
  tags: ['flows'],
  querystring: topParameters,
  response: responses(topAnswer),
}

export function topRoute(app: FastifyInstance, { reader, ask, nowNs }: RouteDeps): void {
  app.get('/api/top', { schema }, (request, reply) =>
    ask(
      reply,
      async (options): Promise<TopAnswer> => {
        const query = request.query as Query
        const now = nowNs()
        const by = groupFields(query['by'] as readonly string[])
        const question = {
          range: parseRange(query['from'] as string, query['to'] as string, now),
          filters: flowFiltersOf(query, now),
          by,
          order: groupOrderOf(query['order'] as string, by),
          limit: query['limit'] as number,
          metrics: metricsOf(query['metrics'] as readonly string[] | undefined),
          fold: query['fold'] === 'ports',
        }
        const [top, coverage] = await Promise.all([
          readTop(reader, question, options),
          readCoverage(reader, { ...question, nowNs: now }, options),
        ])
        return {
          rows: [...top.rows],
          next: null,
          totals: top.totals as TopAnswer['totals'],
          ...approximateOf(top.approximate),
          coverage,
        }
      },
      rowsOf(request),
    ),
  )
}

function rowsOf(request: FastifyRequest): number {
  return (request.query as Query)['limit'] as number
}
