// GET /api/programs: the BPF programs of every node, as they were last reported in the range.

import { readPrograms } from '../../store/query/mod.ts'
import { programTable } from '../../wire/mod.ts'
import { type ProgramsAnswer, programsAnswer, programsParameters } from '../contract/mod.ts'
import { defineQuestion } from './define-question.ts'

export const programsRoute = defineQuestion<ProgramsAnswer>(programTable, {
  path: '/api/programs',
  summary: 'The BPF programs of every node: the last row of each in the range',
  tag: 'truth',
  parameters: programsParameters,
  answer: programsAnswer,
  read: async (asked) => ({ rows: [...(await readPrograms(asked.reader, asked, asked.options))] }),
})
