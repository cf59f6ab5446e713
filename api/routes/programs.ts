// GET /api/programs: the BPF programs of every node, as they were last reported in the range; beside our rows in the
// shapes of the eBPF network monitor, whose keys are others.

import type { FastifyInstance } from 'fastify'
import { rfc3339 } from '../../common/mod.ts'
import { readPrograms } from '../../store/query/mod.ts'
import { programTable } from '../../wire/mod.ts'
import { type ProgramsAnswer, programsAnswer, programsParameters } from '../contract/mod.ts'
import { monitorProgramsOf } from '../monitor/programs.ts'
import { defineQuestion } from './define-question.ts'
import type { RouteDeps } from './deps.ts'

export function programsRoute(app: FastifyInstance, deps: RouteDeps): void {
  const route = defineQuestion<ProgramsAnswer>(programTable, {
    path: '/api/programs',
    summary: 'The BPF programs of every node: the last row of each in the range',
    tag: 'truth',
    parameters: programsParameters,
    answer: programsAnswer,
    read: async (asked) => {
      const rows = [...(await readPrograms(asked.reader, asked, asked.options))]
      const theirs = await monitorProgramsOf(deps, rows, asked.range, asked.options)
      return { rows, ...theirs, query_time: rfc3339(asked.nowNs) }
    },
  })
  route(app, deps)
}
