// GET /api/flows: rows one by one, newest first unless asked otherwise, in stable pages.

import { readFlowsPage } from '../../store/query/mod.ts'
import { type Field, flowTable, parseAddress } from '../../wire/mod.ts'
import { flowsParameters, type RowsAnswer, rowsAnswer } from '../contract/mod.ts'
import { badParameter } from '../errors.ts'
import { type Cursor, decodeCursor, encodeCursor } from '../question/cursor.ts'
import type { Query } from '../question/filters.ts'
import { fieldOrder } from '../question/order.ts'
import { defineQuestion, limitOf } from './define-question.ts'

export const flowsRoute = defineQuestion<RowsAnswer>(flowTable, {
  path: '/api/flows',
  summary: 'Flow rows: one interval of one connection each',
  tag: 'flows',
  parameters: flowsParameters,
  answer: rowsAnswer,
  rowsMax: limitOf,
  moment: cursorOf,
  read: async ({ query, range, filter, nowNs, reader, options }) => {
    const order = fieldOrder(query['order'] as string)
    const cursor = cursorOf(query)
    const question = { range, filter, order, limit: limitOf(query) }
    const after = cursor ? { after: cursor.after } : {}
    const page = await readFlowsPage(reader, { ...question, ...after }, options)
    const next = page.after && encodeCursor(query, { range, nowNs, after: page.after })
    return { rows: [...page.rows], next }
  },
})

function cursorOf(query: Query): Cursor | undefined {
  const text = query['cursor'] as string | undefined
  if (text === undefined) return undefined
  return checked(fieldOrder(query['order'] as string).by, decodeCursor(query, text))
}

/** A forged cursor must not reach the engine as a value that it cannot read. */
function checked(field: Field, cursor: Cursor): Cursor {
  const { value } = cursor.after
  const isText = field.kind === 'name'
  const isAddress = field.kind === 'address' && value !== null && parseAddress(value) !== undefined
  const isNumber = value !== null && /^\d{1,19}$|^1\d{19}$/.test(value)
  const fits = value === null ? field.nullable : isText || isAddress || isNumber
  if (fits) return cursor
  throw badParameter('cursor', 'it is damaged', 'Pass `next` of the page before.')
}
