// The loss ledger summed per node, stage, probe, table and cause, in the order of the river.

import { type Field, ledgerTable, type Row, stages } from '../../wire/mod.ts'
import type { Reader, ReadOptions, StoredRow } from '../reader.ts'
import { type Binder, createBinder } from './binder.ts'
import { scopeCondition } from './conditions.ts'
import type { FlowsScope } from './question.ts'
import { fieldValue, selectOf } from './stored-row.ts'

const fields = ledgerTable.fields.filter((field) => field.kind !== 'time')
const keys = fields.filter((field) => field.kind === 'name')
const waitingField = fields.find((field) => field.name === 'waiting') as Field

/**
 * The rows of the ledger as `f` has them. Those of schema 1 say neither probe nor table: there were one of each, so a
 * line goes on unbroken when an agent or the central is replaced by a newer one.
 */
export const ledgerRows = `(
  SELECT * REPLACE (if(probe = '' AND unit = 'records', 'socket', probe) AS probe,
    if(\`table\` = '' AND unit = 'rows', 'flows', \`table\`) AS \`table\`)
  FROM ledger
)`

/** Intervals are seconds long, and at rest no longer than minutes: the last row before a range is within this. */
const lookBackNs = 3_600_000_000_000n

/**
 * Sums of the range; `waiting` is the last known figure, `waiting_before` the last one before the range, 0 when the
 * stage was not there. A stage's own row (cause '') comes first.
 */
export async function readLedger(
  reader: Reader,
  question: FlowsScope,
  options?: ReadOptions,
): Promise<readonly Row[]> {
  const binder = createBinder()
  const earlier = createBinder()
  const { fromNs } = question.range
  const range = { fromNs: fromNs > lookBackNs ? fromNs - lookBackNs : 0n, toNs: fromNs }
  const [stored, before] = await Promise.all([
    reader.read(ledgerSql(binder, question), binder.params, options),
    reader.read(waitingSql(earlier, { ...question, range }), earlier.params, options),
  ])
  const waiting = new Map(before.map((row) => [keyOf(row), fieldValue(waitingField, row)]))
  return stored
    .map((row) => ({
      ...Object.fromEntries(fields.map((field) => [field.name, fieldValue(field, row)])),
      waiting_before: waiting.get(keyOf(row)) ?? 0,
    }))
    .toSorted((a, b) => compare(a, b))
}

function keyOf(row: StoredRow): string {
  return JSON.stringify(keys.map((field) => fieldValue(field, row)))
}

/** What waited at the end of the range. */
function waitingSql(binder: Binder, question: FlowsScope): string {
  const names = keys.map((field) => `f.\`${field.name}\``).join(', ')
  const selects = [
    ...keys.map((field) => selectOf(field)),
    selectOf(waitingField, 'argMax(f.`waiting`, f.time)'),
  ]
  return `SELECT ${selects.join(', ')}
FROM ${ledgerRows} AS f WHERE ${scopeCondition(binder, question)} GROUP BY ${names}`
}

function ledgerSql(binder: Binder, question: FlowsScope): string {
  const selects = fields.map((field) => {
    const column = `f.\`${field.name}\``
    if (field.sum) return selectOf(field, `sum(${column})`)
    return field.kind === 'name' ? selectOf(field) : selectOf(field, `argMax(${column}, f.time)`)
  })
  return `SELECT ${selects.join(', ')}
FROM ${ledgerRows} AS f WHERE ${scopeCondition(binder, question)}
GROUP BY ${keys.map((field) => `f.\`${field.name}\``).join(', ')}`
}

function compare(a: Row, b: Row): number {
  const byText = (name: string) =>
    Number(`${a[name]}` > `${b[name]}`) - Number(`${a[name]}` < `${b[name]}`)
  const stage = stages.indexOf(`${a['stage']}`) - stages.indexOf(`${b['stage']}`)
  const kind = byText('stage') || byText('probe') || byText('table')
  return byText('node') || stage || kind || byText('cause')
}
