// The loss ledger summed per node, stage and cause, in the order of the river.

import { ledgerTable, type Row, stages } from '../../wire/mod.ts'
import type { Reader, ReadOptions } from '../reader.ts'
import { type Binder, createBinder } from './binder.ts'
import { scopeCondition } from './conditions.ts'
import type { FlowsScope } from './question.ts'
import { fieldValue, selectOf } from './stored-row.ts'

const fields = ledgerTable.fields.filter((field) => field.kind !== 'time')
const keys = fields.filter((field) => field.kind === 'name')

/** Sums of the range; `waiting` is the last known figure. A stage's own row (cause '') comes first. */
export async function readLedger(
  reader: Reader,
  question: FlowsScope,
  options?: ReadOptions,
): Promise<readonly Row[]> {
  const binder = createBinder()
  const stored = await reader.read(ledgerSql(binder, question), binder.params, options)
  return stored
    .map((row) => Object.fromEntries(fields.map((field) => [field.name, fieldValue(field, row)])))
    .toSorted((a, b) => compare(a, b))
}

function ledgerSql(binder: Binder, question: FlowsScope): string {
  const selects = fields.map((field) => {
    const column = `f.\`${field.name}\``
    if (field.sum) return selectOf(field, `sum(${column})`)
    return field.kind === 'name' ? selectOf(field) : selectOf(field, `argMax(${column}, f.time)`)
  })
  return `SELECT ${selects.join(', ')}
FROM ledger AS f WHERE ${scopeCondition(binder, question)}
GROUP BY ${keys.map((field) => `f.\`${field.name}\``).join(', ')}`
}

function compare(a: Row, b: Row): number {
  const byText = (name: string) =>
    Number(`${a[name]}` > `${b[name]}`) - Number(`${a[name]}` < `${b[name]}`)
  const stage = stages.indexOf(`${a['stage']}`) - stages.indexOf(`${b['stage']}`)
  return byText('node') || stage || byText('stage') || byText('cause')
}
