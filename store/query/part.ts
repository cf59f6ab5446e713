// A part of a table's rows as a file of the engine's formats, in the order of time. Parts are as exact as pages are
// (page.ts): each goes on behind the last row of the one before. The rows are first written once, so that what is
// counted and what is in the file are the same rows, whatever arrives meanwhile.

import { rm, stat } from 'node:fs/promises'
import { type Field, flowTable, type Table } from '../../wire/mod.ts'
import { type FileTarget, type FileWriter, fileSql } from '../file-writer.ts'
import type { Reader, ReadOptions, StoredRow } from '../reader.ts'
import { type Binder, createBinder } from './binder.ts'
import { tieOf } from './columns.ts'
import { scopeCondition } from './conditions.ts'
import { behindCondition, ofView, orderSql, type PageKey, shownFields } from './page.ts'
import { plainColumns } from './plain-sql.ts'
import type { FlowsScope, Order, Range } from './question.ts'
import { windowsOf } from './windows.ts'

export interface PartQuestion extends FlowsScope {
  readonly table: Table
  /** Rows at most. */
  readonly limit: number
  /** Where the part before ended. */
  readonly after?: PageKey
}

export interface Part {
  readonly rows: number
  /** Times of the first and the last row, as the engine prints them; empty without rows. */
  readonly first: string
  readonly last: string
  /** Null when nothing is left. */
  readonly after: PageKey | null
}

/** Writes the next part to `target`. Errors: those of `Reader.read`. */
export async function writePart(
  store: Pick<Reader, 'read'> & FileWriter,
  asked: PartQuestion,
  target: FileTarget,
  options: ReadOptions = {},
): Promise<Part> {
  const question = ofView(asked)
  const found: FileTarget = { file: `${target.file}.rows`, format: 'Native' }
  try {
    const range = await rangeOfPart(store, question, options)
    await writeRows(store, { ...question, range }, found, options)
    if ((await stat(found.file)).size === 0) {
      const { table } = question
      const columns = plainColumns(shownFields(table))
      await store.writeFile(
        target,
        `SELECT ${columns} FROM ${table.name} AS f WHERE 0`,
        {},
        options,
      )
      return { rows: 0, first: '', last: '', after: restBehind(range.toNs, question) }
    }
    const binder = createBinder()
    const ordered = `SELECT * EXCEPT (_tie) FROM ${firstRows(binder, found, question.limit, '*')}`
    await store.writeFile(target, ordered, binder.params, options)
    return await partOf(store, { ...question, end: range.toNs }, found, options)
  } finally {
    await rm(found.file, { force: true })
  }
}

/** The begin of the range that is long enough for the part: a long range costs no more than a short one. */
async function rangeOfPart(
  store: Pick<Reader, 'read'>,
  question: PartQuestion,
  options: ReadOptions,
): Promise<Range> {
  const { range, after, limit } = question
  const fromNs = after ? BigInt(after.timeNs) : range.fromNs
  let missing = limit + 1 + (after?.skip ?? 0)
  for (const window of windowsOf({ ...range, fromNs }, false)) {
    const binder = createBinder()
    const where = conditionOf(binder, { ...question, range: window })
    const sql = `SELECT count() AS rows FROM ${question.table.name} AS f WHERE ${where}`
    const [counted] = await store.read(sql, binder.params, options)
    missing -= Number(counted?.['rows'])
    if (missing <= 0) return { fromNs, toNs: window.toNs }
  }
  return { ...range, fromNs }
}

const byTime: Order<Field> = {
  by: flowTable.fields.find(({ name }) => name === 'time') as Field,
  descending: false,
}

function conditionOf(binder: Binder, question: PartQuestion): string {
  const { after, table } = question
  const scope = scopeCondition(binder, question)
  return after ? `${scope} AND ${behindCondition(binder, { order: byTime, table }, after)}` : scope
}

/** One row more than the part has says that there is more, and where it goes on. No row at all is an empty file. */
async function writeRows(
  store: FileWriter,
  question: PartQuestion,
  target: FileTarget,
  options: ReadOptions,
): Promise<void> {
  const { table, after, limit } = question
  const tie = tieOf(table)
  const binder = createBinder()
  const sql = `SELECT ${plainColumns(shownFields(table))}, ${tie} AS _tie FROM ${table.name} AS f
WHERE ${conditionOf(binder, question)} ORDER BY ${orderSql(byTime, tie)}
LIMIT ${binder.bind('UInt32', after?.skip ?? 0)}, ${binder.bind('UInt32', limit + 1)}`
  await store.writeFile(target, sql, binder.params, options)
}

/** The rows of the part, without the one that may be behind them. */
function firstRows(binder: Binder, found: FileTarget, limit: number, columns: '*' | 'time') {
  const rows = binder.bind('UInt32', limit)
  return `(SELECT ${columns} FROM ${fileSql(found)} ORDER BY time, _tie LIMIT ${rows})`
}

async function partOf(
  store: Pick<Reader, 'read'>,
  question: PartQuestion & { readonly end: bigint },
  found: FileTarget,
  options: ReadOptions,
): Promise<Part> {
  const { after, limit, end } = question
  const rows = fileSql(found)
  const binder = createBinder()
  const sums = `SELECT count() AS rows, (SELECT count() FROM ${rows}) AS all_rows,
  if(rows = 0, '', toString(min(time))) AS first, if(rows = 0, '', toString(max(time))) AS last
FROM ${firstRows(binder, found, limit, 'time')}`
  const behind = `SELECT toString(toUnixTimestamp64Nano(time)) AS _time, toString(_tie) AS _key, count() AS rows
FROM ${rows} GROUP BY time, _tie ORDER BY time DESC, _tie DESC LIMIT 1`
  const [sum] = await store.read(sums, binder.params, options)
  const [last] = await store.read(behind, {}, options)
  const part = { rows: Number(sum?.['rows']), first: text(sum, 'first'), last: text(sum, 'last') }
  if (Number(sum?.['all_rows']) <= limit || !last) {
    return { ...part, after: restBehind(end, question) }
  }
  const key = { ...keyAt(text(last, '_time')), tie: text(last, '_key') }
  const isSame = after?.timeNs === key.timeNs && after.tie === key.tie
  return { ...part, after: { ...key, skip: Number(last['rows']) - 1 + (isSame ? after.skip : 0) } }
}

/** Rows that were counted may be gone by now (retention): the rest of the range is still to come. */
function restBehind(endNs: bigint, { range }: PartQuestion): PageKey | null {
  return endNs < range.toNs ? keyAt(endNs) : null
}

function text(row: StoredRow | undefined, name: string): string {
  return String(row?.[name] ?? '')
}

function keyAt(timeNs: bigint | string): PageKey {
  return { value: String(timeNs), timeNs: String(timeNs), tie: '0', skip: 0 }
}
