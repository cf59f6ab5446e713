// GET /api/filter: the one parser of filters, for whoever has a text field. Asks no row.

import type { FastifyInstance } from 'fastify'
import { AppError } from '../../common/mod.ts'
import { completeFilter, parseFilter, type Table, tableNamed } from '../../wire/mod.ts'
import {
  type FilterAnswer,
  type FilterFault,
  filterAnswer,
  filterParameters,
} from '../contract/mod.ts'
import type { RouteDeps } from './deps.ts'
import { responses } from './responses.ts'

interface Query {
  readonly filter: string
  readonly table: readonly string[]
  readonly caret?: number
}

export function filterRoute(app: FastifyInstance, { nowNs }: Pick<RouteDeps, 'nowNs'>): void {
  const schema = {
    summary: 'Whether a filter is right, and what could stand at the caret',
    tags: ['flows'],
    querystring: filterParameters,
    response: responses(filterAnswer),
  }
  app.get('/api/filter', { schema }, (request): FilterAnswer => {
    const { filter, table, caret } = request.query as Query
    const tables = table.map((name) => tableNamed(name) as Table)
    const [first] = tables as [Table]
    return {
      tables: tables.map((one) => ({ table: one.name, fault: faultOf(filter, one, nowNs()) })),
      completion: completionOf(filter, Math.min(caret ?? -1, filter.length), first),
    }
  })
}

function faultOf(filter: string, table: Table, nowNs: bigint): FilterFault | null {
  try {
    parseFilter(filter, { table, nowNs })
    return null
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'bad_filter') throw error
    const { position, what, suggestion } = error.details
    const meant = suggestion === undefined ? {} : { suggestion: String(suggestion) }
    return { position: Number(position), message: String(what), ...meant }
  }
}

function completionOf(filter: string, caret: number, table: Table): FilterAnswer['completion'] {
  const found = caret < 0 ? undefined : completeFilter(filter, caret, table)
  return found
    ? { ...found, fields: [...found.fields], options: found.options.map((one) => ({ ...one })) }
    : null
}
