// GET /api/top: groups of flow rows, the largest first, and how much all of them are.

import { readTop } from '../../store/query/mod.ts'
import { flowTable } from '../../wire/mod.ts'
import { type TopAnswer, topAnswer, topParameters } from '../contract/mod.ts'
import { groupFields, groupOrderOf, metricsOf } from '../question/order.ts'
import { defineQuestion, limitOf } from './define-question.ts'
import { approximateOf } from './responses.ts'

export const topRoute = defineQuestion<TopAnswer>(flowTable, {
  path: '/api/top',
  summary: 'Who talks to whom: groups of flows with their metrics',
  tag: 'flows',
  parameters: topParameters,
  answer: topAnswer,
  rowsMax: limitOf,
  read: async ({ query, range, filter, open, reader, options }) => {
    const by = groupFields(query['by'] as readonly string[])
    const question = {
      range,
      filter,
      ...(open ? { open } : {}),
      by,
      order: groupOrderOf(query['order'] as string, by),
      limit: limitOf(query),
      metrics: metricsOf(query['metrics'] as readonly string[] | undefined),
      fold: query['fold'] === 'ports',
    }
    const { rows, totals, approximate, source } = await readTop(reader, question, options)
    return {
      rows: [...rows],
      totals: totals as TopAnswer['totals'],
      source,
      ...approximateOf(approximate),
    }
  },
})
