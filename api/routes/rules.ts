// GET /api/rules: what is loaded at XDP on every node, by its newest report in the range.

import { readRules, rulesMax } from '../../store/query/mod.ts'
import { ruleTable } from '../../wire/mod.ts'
import { type RulesAnswer, rulesAnswer, rulesParameters } from '../contract/mod.ts'
import { defineQuestion } from './define-question.ts'

export const rulesRoute = defineQuestion<RulesAnswer>(ruleTable, {
  path: '/api/rules',
  summary: 'The rules of XDP programs on every node, and what each has counted: the newest report',
  tag: 'truth',
  parameters: rulesParameters,
  answer: rulesAnswer,
  rowsMax: () => rulesMax,
  read: async (asked) => ({ rows: [...(await readRules(asked.reader, asked, asked.options))] }),
})
