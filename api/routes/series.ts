// GET /api/series: metrics over time, and the coverage of every step.

import type { FastifyInstance } from 'fastify'
import { nodeFilters, readSeries, readSteppedCoverage, readWatch } from '../../store/query/mod.ts'
import { type SeriesAnswer, seriesAnswer, seriesParameters } from '../contract/mod.ts'
import { flowFiltersOf, type Query } from '../question/filters.ts'
import { groupFields, metricOrder, metricsOf } from '../question/order.ts'
import { stepNsOf } from '../question/step.ts'
import { parseRange } from '../question/time.ts'
import type { RouteDeps } from './deps.ts'
import { approximateOf, responses } from './responses.ts'

const schema = {
  summary: 'Metrics of flows over time',
  tags: ['flows'],
  querystring: seriesParameters,
  response: responses(seriesAnswer),
}

/** A row of a step is small: 300 steps of nine groups need no more than so many flow rows. */
const stepsRowsMax = 500

export function seriesRoute(app: FastifyInstance, { reader, ask, nowNs }: RouteDeps): void {
  app.get('/api/series', { schema }, (request, reply) =>
    ask(
      reply,
      async (options): Promise<SeriesAnswer> => {
        const query = request.query as Query
        const now = nowNs()
        const range = parseRange(query['from'] as string, query['to'] as string, now)
        const filters = flowFiltersOf(query, now)
        const nodes = nodeFilters(filters)
        const watch = await readWatch(reader, { range, nowNs: now, nodes }, options)
        const stepNs = stepNsOf(query['step'] as string, range, watch.intervalNs)
        const scope = { range, filters, stepNs }
        const by = groupFields((query['by'] as readonly string[] | undefined) ?? [])
        const order = metricOrder(query['order'] as string)
        const metrics = metricsOf(query['metrics'] as readonly string[] | undefined)
        const ofCoverage = { ...scope, nowNs: now, watch }
        // The steps of all rows are counted with their metrics: not once more for the coverage.
        const isAll = by.length === 0 && nodes.length === filters.length
        const reading = readSeries(reader, { ...scope, by, order, metrics }, options)
        const [series, coverage] = await Promise.all([
          reading,
          isAll
            ? reading.then(({ rowsOfSteps }) =>
                readSteppedCoverage(
                  reader,
                  { ...ofCoverage, ...(rowsOfSteps ? { rowsOfSteps } : {}) },
                  options,
                ),
              )
            : readSteppedCoverage(reader, ofCoverage, options),
        ])
        return {
          rows: [...series.rows],
          next: null,
          totals: series.totals,
          ...approximateOf(series.approximate),
          step_seconds: Number(stepNs / 1_000_000_000n),
          coverage,
        }
      },
      stepsRowsMax,
    ),
  )
}
