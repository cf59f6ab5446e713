// The columns of a batch by name, each under the type that its kind has in memory. Names and types come from the
// table of fields, so a column that is misspelt, or written as another kind, does not compile.

import type { Batch, Column, Field } from '../../wire/mod.ts'

/** Memory by kind; a time or an id has two words a row (low, high), an address four. */
interface ValuesOf {
  readonly time: Uint32Array
  readonly id: Uint32Array
  readonly address: Uint32Array
  readonly counter: Float64Array
  readonly name: Uint32Array
  readonly text: Uint32Array
  readonly octets: Uint32Array
  readonly list: Uint32Array
  readonly u32: Uint32Array
  readonly u16: Uint16Array
  readonly u8: Uint8Array
  readonly flag: Uint8Array
}

/** A column that always has a value. */
export interface Plain<V> {
  readonly values: V
}

/** A column whose value may be unknown: `nulls` is 1 until a row sets it to 0. */
export interface Nullable<V> extends Plain<V> {
  readonly nulls: Uint8Array
}

type ColumnOf<F extends Field> = F extends { readonly nullable: true }
  ? Nullable<ValuesOf[F['kind']]>
  : Plain<ValuesOf[F['kind']]>

/** By name of the field. */
export type Columns<F extends Field> = { readonly [K in F as K['name']]: ColumnOf<K> }

/** The columns that both ends have, without their prefix. */
export type EndColumns<C> = {
  readonly [N in keyof C as N extends `src_${infer Rest}` ? Rest : never]: C[N]
}

/** Views of the batch's memory; they are made anew when it grows. */
export function columnsOf<F extends Field>(batch: Batch): Columns<F> {
  const { fields } = batch.table
  const columns = fields.map(({ name }) => viewOf(batch.columns[name] as Column))
  return recordOf(
    fields.map(({ name }) => name),
    columns,
  ) as Columns<F>
}

/** Of one end: `src_port` is `port`. */
export function endColumnsOf<C extends object>(columns: C, side: 'src' | 'dst'): EndColumns<C> {
  const own = Object.entries(columns).filter(([name]) => name.startsWith(`${side}_`))
  const names = own.map(([name]) => name.slice(side.length + 1))
  return recordOf(
    names,
    own.map(([, column]) => column),
  ) as EndColumns<C>
}

function viewOf({ field, values, nulls }: Column): Plain<unknown> | Nullable<unknown> {
  const view = field.kind === 'address' ? new Uint32Array(values.buffer) : values
  return nulls ? { values: view, nulls } : { values: view }
}

/** An object for hot loops: members that are set one by one make a table of hashes, a copy of a whole object does not. */
export function recordOf(
  names: readonly string[],
  values: readonly unknown[],
): Record<string, unknown> {
  const template = JSON.parse(`{${names.map((name) => `${JSON.stringify(name)}:null`).join()}}`)
  const record: Record<string, unknown> = { ...template }
  for (const [index, name] of names.entries()) record[name] = values[index]
  return record
}
