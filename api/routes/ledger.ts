// GET /api/ledger: what every stage took in, passed on, filtered and lost.

import type { FastifyInstance } from 'fastify'
import { readCoverage, readLedger } from '../../store/query/mod.ts'
import { type LedgerAnswer, ledgerAnswer, ledgerParameters } from '../contract/mod.ts'
import { ledgerFiltersOf, type Query } from '../question/filters.ts'
import { parseRange } from '../question/time.ts'
import type { RouteDeps } from './deps.ts'
import { responses } from './responses.ts'

const schema = {
  summary:
    'The loss ledger: in = out + filtered + sampled + lost + change of waiting, per node and stage',
  tags: ['truth'],
  querystring: ledgerParameters,
  response: responses(ledgerAnswer),
}

export function ledgerRoute(app: FastifyInstance, { reader, ask, nowNs }: RouteDeps): void {
  app.get('/api/ledger', { schema }, (request, reply) =>
    ask(reply, async (options): Promise<LedgerAnswer> => {
      const query = request.query as Query
      const now = nowNs()
      const range = parseRange(query['from'] as string, query['to'] as string, now)
      const question = { range, filters: ledgerFiltersOf(query, now) }
      const [rows, coverage] = await Promise.all([
        readLedger(reader, question, options),
        readCoverage(reader, { ...question, nowNs: now }, options),
      ])
      return { rows: [...rows], next: null, coverage }
    }),
  )
}
