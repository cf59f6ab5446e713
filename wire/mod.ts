// Stage 3: the contract. What a row is, how it travels.

export { formatAddress, parseAddress } from './model/address.ts'
export { type Batch, type Column, createBatch, grown } from './model/columns.ts'
export type { DerivedField, Field, FieldKind, Table, Unit } from './model/field.ts'
export { flowTable } from './model/flow-fields.ts'
export { createInterner, type Interner } from './model/interner.ts'
export { ledgerTable } from './model/ledger-fields.ts'
export { type JsonValue, type Row, rowOf } from './model/row.ts'
