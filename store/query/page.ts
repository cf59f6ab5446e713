// One page of a table's rows. Pages are stable: each goes on behind the last row's key, so rows that arrive
// meanwhile neither repeat nor hide another.

import {
  type Field,
  flowTable,
  inOneView,
  type JsonValue,
  type Row,
  type Table,
} from '../../wire/mod.ts'
import type { Reader, ReadOptions, StoredRow } from '../reader.ts'
import { type Binder, createBinder } from './binder.ts'
import { columnOf, tieOf } from './columns.ts'
import { scopeCondition } from './conditions.ts'
import { countedOf } from './counted.ts'
import { textSql } from './filter-sql.ts'
import type { FlowsScope, Order, Range } from './question.ts'
import { fieldValue, selectOf } from './stored-row.ts'
import { windowsOf } from './windows.ts'

export interface PageQuestion extends FlowsScope {
  /** Flows when left out. */
  readonly table?: Table
  readonly order: Order<Field>
  readonly limit: number
  /** Key of the last row of the page before. */
  readonly after?: PageKey
}

/** Where a row stands in the order. Plain JSON: it travels in the cursor. */
export interface PageKey {
  /** The ordered field's value as text; null is behind all others. */
  readonly value: string | null
  readonly timeNs: string
  /** Hash of what tells rows of the same instant apart. */
  readonly tie: string
  /** Rows with exactly this key that were already given. */
  readonly skip: number
}

export interface RowsPage {
  readonly rows: readonly Row[]
  /** Null when nothing is left. */
  readonly after: PageKey | null
}

/** What a list shows of a row. */
export function shownFields({ fields, derived }: Table): readonly Field[] {
  return [...fields, ...derived]
}

/**
 * Reads a page; by time it walks in growing windows, so that a long range costs no more than a short one. Open
 * connections are counted rows, so each is there once, however many nodes see it.
 */
export async function readPage(
  reader: Reader,
  asked: PageQuestion,
  options?: ReadOptions,
): Promise<RowsPage> {
  const question = asked.open ? countedOf(asked) : ofView(asked)
  const skip = question.after?.skip ?? 0
  const wanted = question.limit + 1 + skip
  const found: StoredRow[] = []
  for (const range of rangesOf(question)) {
    const binder = createBinder()
    const sql = pageSql(binder, { ...question, range }, wanted - found.length)
    found.push(...(await reader.read(sql, binder.params, options)))
    if (found.length >= wanted) break
  }
  return pageOf(question, found)
}

/** Rows of interfaces are found only by a filter that names their view. */
export function ofView<Q extends Pick<PageQuestion, 'table' | 'filter'>>(question: Q): Q {
  const { table = flowTable, filter } = question
  return table === flowTable ? { ...question, filter: inOneView(filter) } : question
}

function rangesOf(question: PageQuestion): Iterable<Range> {
  const { range, order, after } = question
  if (order.by.name !== 'time') return [range]
  const at = after ? BigInt(after.timeNs) : undefined
  if (order.descending) {
    return windowsOf({ ...range, toNs: at === undefined ? range.toNs : at + 1n }, true)
  }
  return windowsOf({ ...range, fromNs: at ?? range.fromNs }, false)
}

function pageSql(binder: Binder, question: PageQuestion, limit: number): string {
  const { order, after, table = flowTable } = question
  const tie = tieOf(table)
  const condition = scopeCondition(binder, question)
  const once = question.open ? ' LIMIT 1 BY f.connection_id' : ''
  const behind = after ? ` AND ${behindCondition(binder, question, after)}` : ''
  return `SELECT ${shownFields(table)
    .map((field) => selectOf(field))
    .join(', ')},
  ${valueText(order.by)} AS _value, toString(toUnixTimestamp64Nano(f.time)) AS _time,
  toString(${tie}) AS _tie
FROM ${table.name} AS f WHERE ${condition}${behind}
ORDER BY ${orderSql(order, tie)}${once} LIMIT ${binder.bind('UInt32', limit)}`
}

export function orderSql({ by, descending }: Order<Field>, tie: string): string {
  const column = columnOf(by)
  return `isNull(${column}), ${column} ${descending ? 'DESC' : 'ASC'}, f.time DESC, ${tie}`
}

/** At the key or behind it: nulls last, then the value in its direction, then newest first, then the tie. */
export function behindCondition(
  binder: Binder,
  question: Pick<PageQuestion, 'order' | 'table'>,
  after: PageKey,
): string {
  const { order, table = flowTable } = question
  const tie = tieOf(table)
  const timeNs = binder.bindTime(BigInt(after.timeNs))
  const sameTime = `f.time = ${timeNs} AND ${tie} >= ${binder.bind('UInt64', after.tie)}`
  const sameValue = `(f.time < ${timeNs} OR (${sameTime}))`
  const column = columnOf(order.by)
  if (after.value === null) return `(isNull(${column}) AND ${sameValue})`
  const value = textSql(binder, order.by, after.value)
  const beyond = `${column} ${order.descending ? '<' : '>'} ${value}`
  const nulls = order.by.nullable ? ` OR isNull(${column})` : ''
  return `(${beyond} OR (${column} = ${value} AND ${sameValue})${nulls})`
}

function valueText(field: Field): string {
  const column = columnOf(field)
  return field.kind === 'time'
    ? `toString(toUnixTimestamp64Nano(${column}))`
    : `toString(${column})`
}

function pageOf(question: PageQuestion, found: readonly StoredRow[]): RowsPage {
  const { after, limit, table = flowTable } = question
  const fields = shownFields(table)
  const fresh = after ? found.slice(countEqual(found, after)) : found
  const page = fresh.slice(0, limit)
  const last = page.at(-1)
  const rows = page.map((row) => rowOfStored(row, fields))
  if (fresh.length <= limit || last === undefined) return { rows, after: null }
  const key = keyOf(last)
  const before = after && isAt(last, after) ? after.skip : 0
  return { rows, after: { ...key, skip: before + page.filter((row) => isAt(row, key)).length } }
}

/** How many of the first rows are those that the pages before gave. */
function countEqual(found: readonly StoredRow[], after: PageKey): number {
  let count = 0
  while (count < after.skip && found[count] && isAt(found[count] as StoredRow, after)) count++
  return count
}

function keyOf(row: StoredRow): Omit<PageKey, 'skip'> {
  const value = row['_value']
  return {
    value: value === null ? null : String(value),
    timeNs: String(row['_time']),
    tie: String(row['_tie']),
  }
}

function isAt(row: StoredRow, key: Omit<PageKey, 'skip'>): boolean {
  const own = keyOf(row)
  return own.value === key.value && own.timeNs === key.timeNs && own.tie === key.tie
}

/** Built field by field: objects from lists of entries take ten times the memory, and a page has 10,000. */
function rowOfStored(stored: StoredRow, fields: readonly Field[]): Row {
  const row: Record<string, JsonValue> = {}
  for (const field of fields) row[field.name] = fieldValue(field, stored)
  return row
}
