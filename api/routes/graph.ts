// GET /api/graph/data: the service map, as Grafana's node graph panel takes it from the Infinity data source.

import { readTop } from '../../store/query/mod.ts'
import { flowTable } from '../../wire/mod.ts'
import { graphOf } from '../answer/graph.ts'
import { type GraphAnswer, graphAnswer, graphParameters } from '../contract/mod.ts'
import { groupFields, groupOrderOf, metricsOf } from '../question/order.ts'
import { defineQuestion, limitOf } from './define-question.ts'

/** Groups that are read; what is beyond is in the node `other`. */
const edgesMax = 10_000

export const graphRoute = defineQuestion<GraphAnswer>(flowTable, {
  path: '/api/graph/data',
  summary: 'The service map as nodes and edges, for the node graph panel of Grafana',
  tag: 'flows',
  parameters: graphParameters,
  answer: graphAnswer,
  rowsMax: () => edgesMax,
  read: async ({ query, range, filter, reader, options }) => {
    const by = groupFields(['src_namespace', 'src_workload', 'dst_namespace', 'dst_workload'])
    const question = {
      range,
      filter,
      by,
      order: groupOrderOf('-total', by),
      limit: edgesMax,
      metrics: metricsOf(['total', 'opened', 'failed']),
      fold: false,
    }
    const { rows, totals } = await readTop(reader, question, options)
    return graphOf(rows, totals, limitOf(query))
  },
})
