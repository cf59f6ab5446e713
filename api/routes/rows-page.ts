// Rows of a table one by one, newest first unless asked otherwise, in stable pages: what /api/flows and /api/events
// have in common.

import { type RowsPage, readPage } from '../../store/query/mod.ts'
import { type Field, parseAddress, type Table } from '../../wire/mod.ts'
import { badParameter } from '../errors.ts'
import { type Cursor, decodeCursor, encodeCursor } from '../question/cursor.ts'
import { fieldOrder } from '../question/order.ts'
import type { Query } from '../question/query.ts'
import { type Asked, limitOf } from './define-question.ts'

/** The parts of a question that are about pages. */
export function pagesOf(table: Table) {
  const orderOf = (query: Query) => fieldOrder(query['order'] as string, table)

  async function read({ query, range, filter, open, nowNs, reader, options }: Asked) {
    const order = orderOf(query)
    const cursor = cursorOf(query, order.by)
    const question = { table, range, filter, order, limit: limitOf(query) }
    const after = cursor ? { after: cursor.after } : {}
    const onlyOpen = open ? { open } : {}
    const page: RowsPage = await readPage(reader, { ...question, ...after, ...onlyOpen }, options)
    const next = page.after && encodeCursor(query, { range, nowNs, after: page.after })
    return { rows: [...page.rows], next }
  }

  const moment = (query: Query) => cursorOf(query, orderOf(query).by)
  return { rowsMax: limitOf, moment, read }
}

/** Where the page before ended, in the order of a field; undefined on the first. Throws AppError bad_parameter. */
export function cursorOf(query: Query, by: Field): Cursor | undefined {
  const text = query['cursor'] as string | undefined
  return text === undefined ? undefined : checked(by, decodeCursor(query, text))
}

/** A forged cursor must not reach the engine as a value that it cannot read. */
function checked(field: Field, cursor: Cursor): Cursor {
  const { value } = cursor.after
  const isText = field.kind === 'name' || field.kind === 'text'
  const isAddress = field.kind === 'address' && value !== null && parseAddress(value) !== undefined
  const isNumber = value !== null && /^\d{1,19}$|^1\d{19}$/.test(value)
  const fits = value === null ? field.nullable : isText || isAddress || isNumber
  if (fits) return cursor
  throw badParameter('cursor', 'it is damaged', 'Pass `next` of the page before.')
}
