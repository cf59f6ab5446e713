// How the rest of Weir asks the store: SQL with bound parameters in, plain rows out.

/** A parameter of `{name:Type}` in the SQL. Lists bind to `Array(T)`; null to `Nullable(T)`. */
export type SqlValue = string | number | boolean | bigint | null | readonly SqlValue[]

export type SqlParams = Readonly<Record<string, SqlValue>>

/** What the engine's JSON can hold: UInt64 comes as a number, so select ids with `toString(id)`. */
export type StoredValue = string | number | boolean | null | readonly StoredValue[]

export type StoredRow = Readonly<Record<string, StoredValue>>

export interface ReadOptions {
  /** Ends the query in the engine when aborted; `read` then rejects with `query_cancelled`. */
  readonly signal?: AbortSignal
  /** Seconds the engine may compute, 30 when not given; beyond: `query_too_slow`. */
  readonly timeoutSeconds?: number
  /** Memory of this query in octets, 1 GB when not given; beyond: `query_too_large`. */
  readonly memoryBytes?: number
  /** Rows of the answer, 100,000 when not given; beyond: `query_too_large`. */
  readonly resultRowsMax?: number
}

/** The store as the API sees it. */
export interface Reader {
  /**
   * Runs one SELECT (without FORMAT) and gives its rows as objects: times as the engine prints them
   * (`2026-11-21 06:28:56.986235005`, UTC; use formatDateTime or toString in the SQL for another shape),
   * IPv6 as text (v4 as `::ffff:1.2.3.4`), counters as numbers.
   *
   * Errors: `query_too_slow`, `query_too_large`, `query_cancelled`, `query_wrong` (a bug of ours),
   * `store_away` (the engine is being restarted).
   */
  read(sql: string, params?: SqlParams, options?: ReadOptions): Promise<readonly StoredRow[]>
  /** Changes whenever rows may have changed; a reader without it cannot tell. */
  readonly revision?: () => string
  /** Resolves when what came before can be read, as soon as that is possible; called once per question. */
  readonly fresh?: () => Promise<void>
}
