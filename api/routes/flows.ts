// GET /api/flows: rows one by one, newest first unless asked otherwise, in stable pages.

import { flowTable } from '../../wire/mod.ts'
import { flowsParameters, type RowsAnswer, rowsAnswer } from '../contract/mod.ts'
import { defineQuestion } from './define-question.ts'
import { pagesOf } from './rows-page.ts'

export const flowsRoute = defineQuestion<RowsAnswer>(flowTable, {
  path: '/api/flows',
  summary: 'Flow rows: one interval of one connection each',
  tag: 'flows',
  parameters: flowsParameters,
  answer: rowsAnswer,
  ...pagesOf(flowTable),
})
