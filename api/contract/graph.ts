// The service map for Grafana's node graph panel: two lists with the names that its data sources know.

import { type Static, Type } from 'typebox'
import { flowTable } from '../../wire/mod.ts'
import { coverage } from './envelope.ts'
import { tableFilters, timeRange } from './parameters.ts'

/** More nodes the panel does not draw. */
export const graphNodesMax = 1500

/** Parameters of GET /api/graph/data. */
export const graphParameters = Type.Object(
  {
    ...timeRange,
    limit: Type.Optional(
      Type.Integer({
        minimum: 2,
        maximum: graphNodesMax,
        default: graphNodesMax,
        description: 'Nodes at most: the largest ones, the rest is one node `other`.',
      }),
    ),
    ...tableFilters(flowTable),
  },
  { additionalProperties: false },
)

const text = Type.String()

export const graphAnswer = Type.Object(
  {
    nodes: Type.Array(
      Type.Object({
        id: Type.String({ description: 'Namespace and workload; `outside` without a workload.' }),
        title: text,
        subTitle: text,
        mainStat: Type.String({ description: 'Application bytes from and to it.' }),
        secondaryStat: Type.String({ description: 'New connections.' }),
        detail__bytes: Type.Integer({ minimum: 0 }),
      }),
    ),
    edges: Type.Array(
      Type.Object({
        id: text,
        source: Type.String({ description: 'Node of the initiator.' }),
        target: Type.String({ description: 'Node of the responder.' }),
        mainStat: Type.String({ description: 'Application bytes, both directions.' }),
        secondaryStat: Type.String({ description: 'Failed connects.' }),
        thickness: Type.Integer({ minimum: 1, maximum: 10, description: 'Grows with the bytes.' }),
        detail__bytes: Type.Integer({ minimum: 0 }),
      }),
      { description: 'The sum of their bytes is that of all flows asked for.' },
    ),
    next: Type.Null(),
    coverage,
  },
  { title: 'Graph' },
)

export type GraphAnswer = Static<typeof graphAnswer>
