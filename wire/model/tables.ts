// THE registry of tables. Frames, sessions, segments, DDL, retention and coverage iterate it; nothing else
// knows a table's name. A new kind of row is one more entry here.

import { eventTable } from './event-fields.ts'
import type { Table } from './field.ts'
import { flowTable } from './flow-fields.ts'
import { ledgerTable } from './ledger-fields.ts'
import { programTable } from './program-fields.ts'
import { ruleTable } from './rule-fields.ts'

/** Every table, by number. */
export const tables: readonly Table[] = [
  flowTable,
  ledgerTable,
  programTable,
  eventTable,
  ruleTable,
]

const byName = new Map(tables.map((table) => [table.name, table]))
const byNumber = new Map(tables.map((table) => [table.number, table]))

/** The table of that name; undefined when there is none. */
export function tableNamed(name: string): Table | undefined {
  return byName.get(name)
}

/** The table of that number in a frame header; undefined when there is none. */
export function tableNumbered(number: number): Table | undefined {
  return byNumber.get(number)
}

/** Schema number of every table, as HELLO states them. */
export function schemaNumbers(): Readonly<Record<string, number>> {
  return Object.fromEntries(tables.map(({ name, schema }) => [name, schema]))
}
