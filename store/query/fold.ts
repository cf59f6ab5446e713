// Folding of ephemeral responder ports. A service that listens on ports the kernel picks (FTP data, RPC, tests)
// has one group per connection: a thousand edges that say one thing. A port becomes `*` when
//
// - it is in the kernel's ephemeral range (net.ipv4.ip_local_port_range begins at 32768 unless set otherwise),
// - one connection alone used it in the range, towards what the group says of the responder,
// - another such port is in the same edge: a port that would be alone under its `*` stays as it is.
//
// No sum changes: the rows of the folded groups are one group, whose dst_port is null.

import { type Field, fieldsIn, flowTable } from '../../wire/mod.ts'
import type { Reader, ReadOptions } from '../reader.ts'
import { type Binder, createBinder } from './binder.ts'
import { columnOf } from './columns.ts'
import { scopeCondition } from './conditions.ts'
import type { FlowsScope } from './question.ts'

/** Rows with alias `f`, and what their groups are in SQL. */
export interface GroupRows {
  readonly from: string
  readonly where: string
  /** What rows are grouped by: never null for a field that is not. */
  keyOf(field: Field): string
  /** The same as the answer has it. */
  shownAs(field: Field): string
  /** Whether the row's port is folded. */
  readonly isFolded: string
}

const firstEphemeralPort = 32_768
/** Stands for all folded ports in a key: no port is that high. */
const star = 65_536

/** Whether groups `by` these fields fold: not for somebody who asks for certain ports. */
export function isFolding(by: readonly Field[], { filter }: FlowsScope): boolean {
  return by.some(({ name }) => name === 'dst_port') && !fieldsIn(filter).has('dst_port')
}

export function plainRows(binder: Binder, scope: FlowsScope): GroupRows {
  const where = scopeCondition(binder, scope)
  return { from: 'flows AS f', where, keyOf: columnOf, shownAs: columnOf, isFolded: '0' }
}

/** Rows of the scope, each marked whether its port folds. */
export function foldedRows(binder: Binder, by: readonly Field[], scope: FlowsScope): GroupRows {
  const from = `(
  SELECT ${markedColumns(by)}, f.dst_port >= ${firstEphemeralPort}
    AND ${member(by)} IN (${foldedSql(binder, by, scope)}) AS _folds
  FROM flows AS f WHERE ${scopeCondition(binder, scope)}
) AS f`
  const key = `if(f._folds, ${star}, f.dst_port)`
  const isPort = ({ name }: Field) => name === 'dst_port'
  return {
    from,
    where: '1',
    keyOf: (field) => (isPort(field) ? key : columnOf(field)),
    shownAs: (field) => (isPort(field) ? `nullIf(${key}, ${star})` : columnOf(field)),
    isFolded: 'f._folds',
  }
}

/** Whether any port can fold: a cheap question, and most often the answer is no. */
export async function isAnyEphemeral(
  reader: Reader,
  scope: FlowsScope,
  options?: ReadOptions,
): Promise<boolean> {
  const binder = createBinder()
  const sql = `SELECT f.dst_port AS port FROM flows AS f
WHERE ${scopeCondition(binder, scope)} AND f.dst_port >= ${firstEphemeralPort} LIMIT 1`
  return (await reader.read(sql, binder.params, options)).length > 0
}

/** All stored columns and the derived ones that `by` needs; the engine reads only those that are used. */
export function markedColumns(by: readonly Field[]): string {
  const derived = by.filter((field) => flowTable.derived.some(({ name }) => name === field.name))
  const stored = flowTable.fields.map(columnOf)
  return [...stored, ...derived.map((field) => `${columnOf(field)} AS \`${field.name}\``)].join(
    ', ',
  )
}

/** A tuple without nulls, because IN knows none. */
export function member(by: readonly Field[], keyOf: (field: Field) => string = columnOf): string {
  return `tuple(${knownParts(by, keyOf).join(', ')})`
}

/** The fields of a group without nulls: a nullable one is two expressions. */
export function knownParts(by: readonly Field[], keyOf: (field: Field) => string): string[] {
  return by.flatMap((field) => known(field, keyOf(field)))
}

function known({ nullable, kind }: Field, key: string): string[] {
  if (!nullable) return [key]
  return [`ifNull(${key}, ${kind === 'name' ? "''" : '0'})`, `isNull(${key})`]
}

/** The groups that fold. Lowest and highest id tell one connection from many without a set of them. */
function foldedSql(binder: Binder, by: readonly Field[], scope: FlowsScope): string {
  const parts = by.flatMap((field, i) =>
    known(field, columnOf(field)).map((sql, j) => ({
      field,
      sql,
      name: `_g${i}_${j}`,
    })),
  )
  const namesOf = (some: typeof parts) => some.map(({ name }) => name).join(', ')
  const all = namesOf(parts)
  const responder = namesOf(parts.filter(({ field }) => field.name.startsWith('dst_')))
  const edge = namesOf(parts.filter(({ field }) => field.name !== 'dst_port')) || 'tuple()'
  return `SELECT tuple(${all}) FROM (
    SELECT ${all}, count() OVER (PARTITION BY ${edge}) AS _ports FROM (
      SELECT ${all}, sum(_new) OVER (PARTITION BY ${responder}) AS _opened,
        min(_low) OVER (PARTITION BY ${responder}) AS _first,
        max(_high) OVER (PARTITION BY ${responder}) AS _last
      FROM (
        SELECT ${parts.map(({ sql, name }) => `${sql} AS ${name}`).join(', ')},
          min(f.connection_id) AS _low, max(f.connection_id) AS _high, sum(f.opened) AS _new
        FROM flows AS f
        WHERE ${scopeCondition(binder, scope)} AND f.dst_port >= ${firstEphemeralPort}
        GROUP BY ${all}
      )
    ) WHERE _first = _last AND _opened <= 1
  ) WHERE _ports > 1`
}
