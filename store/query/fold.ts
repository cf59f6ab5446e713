// Folding of ephemeral responder ports. A service that listens on ports the kernel picks (FTP data, RPC, tests)
// has one group per connection: a thousand edges that say one thing. A port becomes `*` when
//
// - it is in the kernel's ephemeral range (net.ipv4.ip_local_port_range begins at 32768 unless set otherwise),
// - one connection alone used it in the range, towards what the group says of the responder,
// - another such port is in the same edge: a port that would be alone under its `*` stays as it is.
//
// No sum changes: the rows of the folded groups are one group, whose dst_port is null.

import { type Field, flowTable } from '../../wire/mod.ts'
import type { Binder } from './binder.ts'
import { columnOf, scopeCondition } from './conditions.ts'
import type { FlowsScope } from './question.ts'

export interface Fold {
  /** FROM of rows with alias `f` that have the column `f._folds`. */
  readonly from: string
  /** The column of a field of the group. */
  columnOf(field: Field): string
}

const firstEphemeralPort = 32_768

/** Whether groups `by` these fields fold: not for somebody who asks for certain ports. */
export function isFolding(by: readonly Field[], { filters }: FlowsScope): boolean {
  const ofPort = (fields: readonly Field[]) => fields.some(({ name }) => name === 'dst_port')
  return ofPort(by) && !filters.some((filter) => ofPort(filter.fields))
}

/** Rows of the scope, each marked whether its port folds. Bind its parts once: the SQL may repeat them. */
export function foldedRows(binder: Binder, by: readonly Field[], scope: FlowsScope): Fold {
  const from = `(
  SELECT ${markedColumns(by)},
    f.dst_port >= ${firstEphemeralPort} AND ${member(by)} IN (${foldedSql(binder, by, scope)}) AS _folds
  FROM flows AS f WHERE ${scopeCondition(binder, scope)}
) AS f`
  const column = (field: Field) =>
    field.name === 'dst_port' ? 'if(f._folds, NULL, f.dst_port)' : columnOf(field)
  return { from, columnOf: column }
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
export function member(by: readonly Field[]): string {
  return `tuple(${by.flatMap((field) => known(field, columnOf(field))).join(', ')})`
}

function known(field: Field, column: string): string[] {
  return field.nullable ? [`ifNull(toString(${column}), '')`, `isNull(${column})`] : [column]
}

/** The groups that fold. Lowest and highest id tell one connection from many without a set of them. */
function foldedSql(binder: Binder, by: readonly Field[], scope: FlowsScope): string {
  const parts = by.flatMap((field, i) =>
    known(field, columnOf(field)).map((sql, j) => ({ field, sql, name: `_g${i}_${j}` })),
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
