// Journal entries → batches: what an export's filter takes of them, cut at its size, and how many rows of each node
// were taken and left out.

import {
  type Batch,
  type BlockView,
  createInterner,
  fieldsIn,
  type Interner,
  readBlock,
  rowTest,
} from '../../wire/mod.ts'
import type { RowPlan } from './config.ts'
import type { Journal, JournalEntry } from './journal.ts'
import type { ExportBatch, ExportPart, FieldsNeeded, Position } from './receiver.ts'

/** Rows of a node that a batch brings or leaves out. */
export interface NodeRows {
  sent: number
  filtered: number
}

export interface Gathered {
  readonly batch: ExportBatch
  /** Where the export is when the batch is done. */
  readonly position: Position
  readonly nodes: ReadonlyMap<string, NodeRows>
}

export interface Gather {
  /** The next batch behind the position; its `count` may be 0. Undefined when the journal has nothing more. */
  next(position: Position): Promise<Gathered | undefined>
  /** Rows of each node that the position is past within its own entry. */
  passedIn(entry: JournalEntry, rows: number): Promise<ReadonlyMap<string, number>>
}

interface Plan extends RowPlan {
  readonly names: readonly string[]
}

interface Loaded {
  readonly entry: JournalEntry
  readonly views: readonly BlockView[]
}

/** A batch looks at so many entries at most, so that a filter that takes nothing moves on in steps. */
const entriesMax = 64
/** Blocks whose names are kept together: beyond, an interner begins anew. */
const internerTextsMax = 200_000

export function createGather(
  journal: Pick<Journal, 'after' | 'allAfter' | 'read' | 'id'>,
  rowPlans: readonly RowPlan[],
  options: { readonly batchRows: number; readonly needs: FieldsNeeded },
): Gather {
  const plans = new Map(rowPlans.map((plan) => [plan.table.name, withNames(plan, options.needs)]))
  let loaded: Loaded | undefined

  async function load(entry: JournalEntry): Promise<Loaded> {
    if (loaded?.entry.sequence !== entry.sequence) {
      loaded = { entry, views: await journal.read(entry) }
    }
    return loaded
  }

  async function next(position: Position): Promise<Gathered | undefined> {
    const first = startOf(journal, position)
    if (!first) return undefined
    const state = createState(position)
    let entry: JournalEntry | undefined = first.entry
    let row = first.row
    while (entry) {
      const plan = plans.get(entry.table)
      if (plan && state.plan && state.plan !== plan) break
      if (plan) {
        state.plan = plan
        row = await take(await load(entry), row, plan, state)
      } else row = entry.rows
      const isWhole = row >= entry.rows
      const done = isWhole
        ? { sequence: entry.sequence, row: 0 }
        : { sequence: entry.sequence - 1, row }
      state.position = { ...state.position, ...done }
      const isFar = entry.sequence - first.entry.sequence >= entriesMax
      if (!isWhole || isFar || state.count >= options.batchRows) break
      entry = journal.after(entry.sequence)
      row = 0
    }
    return gathered(state, first)
  }

  /** Takes rows of the entry from `from` on; gives the row behind the last that was looked at. */
  async function take({ views }: Loaded, from: number, plan: Plan, state: State) {
    let at = 0
    for (const view of views) {
      const skipped = Math.max(from - at, 0)
      if (skipped < view.rows) {
        const room = options.batchRows - state.count
        if (room <= 0) return at + skipped
        const taken = takeBlock(view, skipped, room, { plan, state })
        if (taken < view.rows) return at + taken
      }
      at += view.rows
    }
    return at
  }

  async function passedIn(entry: JournalEntry, rows: number) {
    const passed = new Map<string, number>()
    let left = plans.has(entry.table) ? rows : 0
    for (const view of left > 0 ? (await load(entry)).views : []) {
      const batch = readBlock(view, ['node'])
      const count = Math.min(left, view.rows)
      for (let row = 0; row < count; row++) {
        const node = nodeOf(batch, row)
        passed.set(node, (passed.get(node) ?? 0) + 1)
      }
      left -= count
    }
    return passed
  }

  return { next, passedIn }
}

interface State {
  plan: Plan | undefined
  position: Position
  names: Interner
  count: number
  readonly parts: ExportPart[]
  readonly nodes: Map<string, NodeRows>
}

function createState(position: Position): State {
  return {
    plan: undefined,
    position,
    names: createInterner(),
    count: 0,
    parts: [],
    nodes: new Map(),
  }
}

/** The entry and the row in it that come next. */
function startOf(journal: Pick<Journal, 'after'>, { sequence, row }: Position) {
  const entry = journal.after(sequence)
  if (!entry) return undefined
  return { entry, row: entry.sequence === sequence + 1 ? row : 0 }
}

/** Rows of one block from `from` on, until `room` of them have passed the filter; gives the row behind the last. */
function takeBlock(
  view: BlockView,
  from: number,
  room: number,
  { plan, state }: { readonly plan: Plan; readonly state: State },
): number {
  if (state.names.size() > internerTextsMax) state.names = createInterner()
  const batch = readBlock(view, plan.names, state.names)
  const passes = rowTest(plan.filter, batch)
  const rows: number[] = []
  let row = from
  for (; row < view.rows && rows.length < room; row++) {
    const counts = countsOf(state.nodes, nodeOf(batch, row))
    if (passes(row)) {
      rows.push(row)
      counts.sent++
    } else counts.filtered++
  }
  state.position = { ...state.position, passed: state.position.passed + row - from }
  state.count += rows.length
  if (rows.length > 0) state.parts.push({ batch, rows })
  return row
}

function countsOf(nodes: Map<string, NodeRows>, node: string): NodeRows {
  const known = nodes.get(node)
  if (known) return known
  const fresh = { sent: 0, filtered: 0 }
  nodes.set(node, fresh)
  return fresh
}

function nodeOf(batch: Batch, row: number): string {
  const column = batch.columns['node']
  return column ? batch.names.text(column.values[row] as number) : ''
}

function gathered(state: State, first: { entry: JournalEntry; row: number }): Gathered {
  const { plan, parts, count, position, nodes } = state
  const table = plan?.table ?? { name: first.entry.table }
  const id = `${position.journal}-${first.entry.sequence}-${first.row}`
  const batch = { table, parts, count, id, repeated: false } as ExportBatch
  return { batch, position, nodes }
}

function withNames(plan: RowPlan, needs: FieldsNeeded): Plan {
  const known = new Set(plan.table.fields.map(({ name }) => name))
  const wanted = [...needs(plan), ...fieldsIn(plan.filter), 'node', 'time']
  return { ...plan, names: [...new Set(wanted)].filter((name) => known.has(name)) }
}
