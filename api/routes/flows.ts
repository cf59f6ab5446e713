// GET /api/flows: rows one by one, newest first unless asked otherwise, in stable pages.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type FlowsQuestion, readCoverage, readFlowsPage } from '../../store/query/mod.ts'
import { type Field, parseAddress } from '../../wire/mod.ts'
import { flowsParameters, type RowsAnswer, rowsAnswer } from '../contract/mod.ts'
import { badParameter } from '../errors.ts'
import { type Cursor, decodeCursor, encodeCursor } from '../question/cursor.ts'
import { flowFiltersOf, type Query } from '../question/filters.ts'
import { fieldOrder } from '../question/order.ts'
import { parseRange } from '../question/time.ts'
import type { RouteDeps } from './deps.ts'
import { responses } from './responses.ts'

const schema = {
  summary: 'Flow rows: one interval of one connection each',
  tags: ['flows'],
  querystring: flowsParameters,
  response: responses(rowsAnswer),
}

export function flowsRoute(app: FastifyInstance, { reader, ask, nowNs }: RouteDeps): void {
  app.get('/api/flows', { schema }, (request, reply) =>
    ask(
      reply,
      async (options): Promise<RowsAnswer> => {
        const query = request.query as Query
        const now = nowNs()
        const question = questionOf(query, now)
        const [page, coverage] = await Promise.all([
          readFlowsPage(reader, question, options),
          readCoverage(reader, { ...question, nowNs: now }, options),
        ])
        const { range } = question
        const next = page.after && encodeCursor(query, { range, after: page.after })
        return { rows: [...page.rows], next, coverage }
      },
      rowsOf(request),
    ),
  )
}

function questionOf(query: Query, now: bigint): FlowsQuestion {
  const order = fieldOrder(query['order'] as string)
  const text = query['cursor'] as string | undefined
  const cursor = text === undefined ? undefined : checked(order.by, decodeCursor(query, text))
  return {
    range: cursor?.range ?? parseRange(query['from'] as string, query['to'] as string, now),
    filters: flowFiltersOf(query, now),
    order,
    limit: query['limit'] as number,
    ...(cursor ? { after: cursor.after } : {}),
  }
}

/** A forged cursor must not reach the engine as a value that it cannot read. */
function checked(field: Field, cursor: Cursor): Cursor {
  const { value } = cursor.after
  const isText = field.kind === 'name'
  const isAddress = field.kind === 'address' && value !== null && parseAddress(value) !== undefined
  const isNumber = value !== null && /^\d{1,19}$|^1\d{19}$/.test(value)
  const fits = value === null ? field.nullable : isText || isAddress || isNumber
  if (fits) return cursor
  throw badParameter('cursor', 'it is damaged', 'Pass `next` of the page before.')
}

function rowsOf(request: FastifyRequest): number {
  return (request.query as Query)['limit'] as number
}
