// GET /api/programs: the BPF programs of every node, as they were last reported in the range; beside our rows in the
// shape of the eBPF network monitor, whose keys are others.

import { rfc3339 } from '../../common/mod.ts'
import { readPrograms } from '../../store/query/mod.ts'
import { programTable, type Row } from '../../wire/mod.ts'
import { type ProgramsAnswer, programsAnswer, programsParameters } from '../contract/mod.ts'
import { defineQuestion } from './define-question.ts'

export const programsRoute = defineQuestion<ProgramsAnswer>(programTable, {
  path: '/api/programs',
  summary: 'The BPF programs of every node: the last row of each in the range',
  tag: 'truth',
  parameters: programsParameters,
  answer: programsAnswer,
  read: async (asked) => {
    const rows = [...(await readPrograms(asked.reader, asked, asked.options))]
    const programs = rows.map(monitorProgram)
    return { rows, programs, total_count: rows.length, query_time: rfc3339(asked.nowNs) }
  },
})

function monitorProgram(row: Row): ProgramsAnswer['programs'][number] {
  return {
    id: Number(row['program_id']),
    name: `${row['program']}`,
    type: 'eBPF',
    status: row['state'] === 'ready' ? 'active' : 'inactive',
    node: `${row['node']}`,
  }
}
