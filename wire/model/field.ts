// What one field of a row is. Everything that names, stores, encodes, shows or explains a field reads it here.

/**
 * How a field is held in memory (see columns.ts), in the Native block and in JSON:
 *
 * | kind    | column in memory             | ClickHouse               | JSON                         |
 * |---------|------------------------------|--------------------------|------------------------------|
 * | time    | u32 pairs (low, high), ns    | DateTime64(9,'UTC')      | RFC 3339, nine digits        |
 * | name    | u32 index into an interner   | LowCardinality(String)   | string, '' = none or unknown |
 * | text    | u32 index into an interner   | String                   | string, '' = none or unknown |
 * | octets  | u32 index into a heap        | String                   | base64                       |
 * | list    | u32 index into a heap        | Array(String)            | array of strings             |
 * | address | 16 octets, v4 as ::ffff:     | IPv6                     | dotted quad or RFC 5952      |
 * | counter | f64, integer below 2^53      | UInt64                   | number                       |
 * | id      | u32 pairs (low, high)        | UInt64                   | decimal string               |
 * | u8 u16 u32 | typed array               | UInt8 UInt16 UInt32      | number                       |
 * | flag    | u8                           | UInt8                    | true or false                |
 *
 * A `name` is one of few values (a dictionary per block), a `text` may be different in every row. An `octets`
 * or a `list` field cannot be null: its empty value says that there is none.
 */
export type FieldKind =
  | 'time'
  | 'name'
  | 'text'
  | 'octets'
  | 'list'
  | 'address'
  | 'counter'
  | 'id'
  | 'u8'
  | 'u16'
  | 'u32'
  | 'flag'

/** Unit of a counter; empty for none. */
export type Unit = '' | 'bytes' | 'packets' | 'segments' | 'ns' | 'rows'

/** One field: the same name in column, JSON, parameter, flag and CLI head. */
export interface Field {
  readonly name: string
  readonly kind: FieldKind
  /** May be unknown: a null map in the block, null in JSON. */
  readonly nullable?: true
  readonly unit?: Unit
  /** Compression codec of the column. */
  readonly codec: string
  /** The table's schema that brought the field; 1 when left out. */
  readonly since?: number
  /** What rows of older schemas have: 0, '' or null when left out. */
  readonly older?: 1
  /** Summed over rows (an increment), rather than described by them. */
  readonly sum?: true
  /** Never a group of `by`: its values say nothing about several rows at once. */
  readonly ungrouped?: true
  /** Of a name: all values that it can have. Without it any text may be one. */
  readonly values?: readonly string[]
  /** Column head for people. */
  readonly label: string
  /** One sentence: what it is, where it comes from. */
  readonly help: string
  /** The C member or kernel symbol it is read from, when there is one. */
  readonly source?: string
  /** OpenTelemetry attribute or metric name, IPFIX information element. */
  readonly otel?: string
  readonly ipfix?: string
}

/** A field that is not stored but computed by the store from the others. */
export interface DerivedField extends Field {
  readonly sql: string
}

/** A row kind: its fields, how its rows are told apart, and how the store lays it out. */
export interface Table {
  readonly name: string
  /** Number of the table in frame headers: never changed, never used again. */
  readonly number: number
  /** Number of the schema in frame headers; raised whenever `fields` changes. */
  readonly schema: number
  readonly fields: readonly Field[]
  readonly derived: readonly DerivedField[]
  /** Names of the fields that tell any two rows of one instant apart. */
  readonly identity: readonly string[]
  /** Rows of the thing that is measured: they are counted in the loss ledger. Else rows about Weir itself. */
  readonly measured: boolean
  /** Probes whose records become its rows: such a record, when it is lost, may have been one. */
  readonly probes?: readonly string[]
  /** Probe and protocols whose records become its rows of view interface. */
  readonly interfaceProbes?: readonly string[]
  readonly partitionBy: string
  readonly orderBy: string
}

/** A table whose fields are known to the compiler too: `F` is the union of their literal types. */
export interface TableOf<F extends Field> extends Table {
  /** Never there: it only carries the type. */
  readonly '~field'?: F
}

/** The fields of an older schema, in the order of its blocks. */
export function fieldsOf(table: Table, schema = table.schema): readonly Field[] {
  return table.fields.filter(({ since = 1 }) => since <= schema)
}

/** Whether rows can be grouped by the field. */
export function isGroupable({ kind, sum, ungrouped }: Field): boolean {
  const isSingle = kind !== 'time' && kind !== 'octets' && kind !== 'list'
  return isSingle && !sum && !ungrouped
}
