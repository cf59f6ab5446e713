// GET /api/ledger: what every stage took in, passed on, filtered and lost.

import { readLedger } from '../../store/query/mod.ts'
import { ledgerTable } from '../../wire/mod.ts'
import { type LedgerAnswer, ledgerAnswer, ledgerParameters } from '../contract/mod.ts'
import { defineQuestion } from './define-question.ts'

export const ledgerRoute = defineQuestion<LedgerAnswer>(ledgerTable, {
  path: '/api/ledger',
  summary:
    'The loss ledger: in = out + filtered + sampled + lost + change of waiting, per node and stage',
  tag: 'truth',
  parameters: ledgerParameters,
  answer: ledgerAnswer,
  read: async (asked) => ({ rows: [...(await readLedger(asked.reader, asked, asked.options))] }),
})
