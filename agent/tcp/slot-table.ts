// A table of slots as typed arrays, made from a list of its columns: the list alone drives how they are allocated,
// grow together and begin anew in a slot that is used again. A new column is one line of the list.

import { recordOf } from '../rows/columns.ts'

type Values = Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array

/** A column: its type, how many elements a slot has, and what they are in a slot that was just taken. */
export interface ColumnSpec<V extends Values> {
  readonly of: new (length: number) => V
  readonly width: number
  readonly empty: number
  /** Not emptied when the slot is taken: who takes it fills it, or it outlives the use of the slot. */
  readonly kept: boolean
}

/** The memory of another column as elements of another type. */
export interface ViewSpec<V extends Values> {
  readonly as: new (memory: ArrayBuffer) => V
  readonly over: string
}

type Specs = Readonly<Record<string, ColumnSpec<Values> | ViewSpec<Values>>>

export type SlotColumns<S> = {
  -readonly [K in keyof S]: S[K] extends ColumnSpec<infer V> | ViewSpec<infer V> ? V : never
}

export type SlotTable<S> = SlotColumns<S> & {
  capacity: number
  /** Makes a slot empty that is used again. */
  empty: (slot: number) => void
  /** Slots below this have been used at least once. */
  high: number
  readonly free: number[]
}

export function column<V extends Values>(
  of: new (length: number) => V,
  { width = 1, empty = 0, kept = false }: Partial<Omit<ColumnSpec<V>, 'of'>> = {},
): ColumnSpec<V> {
  return { of, width, empty, kept }
}

export function view<V extends Values>(
  as: new (memory: ArrayBuffer) => V,
  over: string,
): ViewSpec<V> {
  return { as, over }
}

/** Takes and frees slots of tables of one kind. */
export interface Slots<S> {
  create(capacity?: number): SlotTable<S>
  /** A slot with the empty value in every column that is not kept. */
  take(table: SlotTable<S>): number
  free(table: SlotTable<S>, slot: number): void
}

export function slotsOf<S extends Specs>(specs: S): Slots<S> {
  const names = Object.keys(specs)
  const own = names.flatMap((name) => {
    const spec = specs[name]
    return spec && 'of' in spec ? [{ name, ...spec }] : []
  })
  const emptied = own.filter(({ kept }) => !kept)
  type Columns = Record<string, Values>

  function allocate(capacity: number): Columns {
    const columns: Columns = {}
    for (const { name, of, width, empty } of own) {
      columns[name] = new of(capacity * width)
      if (empty !== 0) columns[name].fill(empty)
    }
    for (const [name, spec] of Object.entries(specs)) {
      if ('as' in spec)
        columns[name] = new spec.as((columns[spec.over] as Values).buffer as ArrayBuffer)
    }
    return columns
  }

  function create(capacity = 1024): SlotTable<S> {
    const columns = allocate(capacity)
    const free: number[] = []
    const values = [capacity, emptier(columns), 0, free, ...names.map((name) => columns[name])]
    return recordOf(['capacity', 'empty', 'high', 'free', ...names], values) as SlotTable<S>
  }

  function take(table: SlotTable<S>): number {
    const slot = table.free.pop()
    if (slot !== undefined) {
      table.empty(slot)
      return slot
    }
    if (table.high === table.capacity) grow(table)
    return table.high++
  }

  /** Fresh memory is empty already. */
  function emptier(columns: Columns): (slot: number) => void {
    const steps = emptied.map(({ name, width, empty }) =>
      emptierOf(columns[name] as Values, width, empty),
    )
    return (slot) => {
      for (const step of steps) step(slot)
    }
  }

  function grow(table: SlotTable<S>): void {
    table.capacity *= 2
    const larger = allocate(table.capacity)
    for (const { name } of own) (larger[name] as Values).set((table as Columns)[name] as Values)
    Object.assign(table, larger, { empty: emptier(larger) })
  }

  return { create, take, free: (table, slot) => table.free.push(slot) }
}

/** One loop per type: a loop that meets arrays of several types takes several times as long. */
function emptierOf(values: Values, width: number, empty: number): (slot: number) => void {
  if (values instanceof Uint8Array) {
    return (slot) => {
      for (let at = slot * width, left = width; left > 0; left--) values[at++] = empty
    }
  }
  if (values instanceof Uint16Array) {
    return (slot) => {
      for (let at = slot * width, left = width; left > 0; left--) values[at++] = empty
    }
  }
  if (values instanceof Uint32Array) {
    return (slot) => {
      for (let at = slot * width, left = width; left > 0; left--) values[at++] = empty
    }
  }
  if (values instanceof Int32Array) {
    return (slot) => {
      for (let at = slot * width, left = width; left > 0; left--) values[at++] = empty
    }
  }
  return (slot) => {
    for (let at = slot * width, left = width; left > 0; left--) values[at++] = empty
  }
}
