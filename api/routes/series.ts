// GET /api/series: metrics over time, and the coverage of every step.

import { readSeries, readSteppedCoverage, readWatch } from '../../store/query/mod.ts'
import { conditionsOf, flowTable } from '../../wire/mod.ts'
import { type SeriesAnswer, seriesAnswer, seriesParameters } from '../contract/mod.ts'
import { groupFields, metricOrder, metricsOf } from '../question/order.ts'
import { stepNsOf } from '../question/step.ts'
import { defineQuestion } from './define-question.ts'
import { approximateOf } from './responses.ts'

/** A row of a step is small: 300 steps of nine groups need no more than so many flow rows. */
const stepsRowsMax = 500

export const seriesRoute = defineQuestion<SeriesAnswer>(flowTable, {
  path: '/api/series',
  summary: 'Metrics of flows over time',
  tag: 'flows',
  parameters: seriesParameters,
  answer: seriesAnswer,
  rowsMax: () => stepsRowsMax,
  coversItself: true,
  read: async ({ query, range, filter, nowNs, reader, options }) => {
    const watch = await readWatch(reader, { range, filter, nowNs }, options)
    const stepNs = stepNsOf(query['step'] as string, range, watch.intervalNs)
    const scope = { range, filter, stepNs }
    const by = groupFields((query['by'] as readonly string[] | undefined) ?? [])
    const order = metricOrder(query['order'] as string)
    const metrics = metricsOf(query['metrics'] as readonly string[] | undefined)
    const reading = readSeries(reader, { ...scope, by, order, metrics }, options)
    // The steps of all rows are counted with their metrics: not once more for the coverage.
    const isAll = by.length === 0 && conditionsOf(filter).length === 0
    const cover = (rowsOfSteps?: ReadonlyMap<bigint, number>) =>
      readSteppedCoverage(reader, { ...scope, nowNs, watch, rowsOfSteps }, options)
    const [series, coverage] = await Promise.all([
      reading,
      isAll ? reading.then(({ rowsOfSteps }) => cover(rowsOfSteps)) : cover(),
    ])
    return {
      rows: [...series.rows],
      totals: series.totals,
      source: series.source,
      ...approximateOf(series.approximate),
      step_seconds: Number(stepNs / 1_000_000_000n),
      coverage,
    }
  },
})
