// The ClickHouse HTTP dialect, as far as @clickhouse/client and curl speak it: what a request asks for.

import { EngineError } from './engine-error.ts'

export interface Request {
  /** SQL of the URL; empty when the body holds it. */
  readonly sql: string
  readonly format: string
  readonly queryId: string | undefined
  readonly settings: ReadonlyMap<string, string>
  readonly params: ReadonlyMap<string, string>
}

/** Where the body of an `INSERT INTO table (column, …) FORMAT name` goes. */
export interface InsertTarget {
  readonly table: string
  /** Undefined: all columns of the table. */
  readonly columns: readonly string[] | undefined
  readonly format: string
}

/** Parameters of the HTTP interface itself, which are no settings of a query. */
const ofTheInterface = new Set([
  'buffer_size',
  'compress',
  'decompress',
  'enable_http_compression',
  'password',
  'role',
  'send_progress_in_http_headers',
  'user',
  'wait_end_of_query',
])

export function readRequest(search: URLSearchParams): Request {
  const settings = new Map<string, string>()
  const params = new Map<string, string>()
  for (const [key, value] of search) {
    if (key.startsWith('param_')) params.set(key.slice(6), value)
    else if (isSetting(key, value)) settings.set(key, value)
  }
  return {
    sql: search.get('query') ?? '',
    format: search.get('default_format') ?? 'TabSeparated',
    queryId: search.get('query_id') ?? undefined,
    settings,
    params,
  }
}

const name = '(?:\\w+|`\\w+`)'
const insert = new RegExp(
  `^\\s*INSERT\\s+INTO\\s+(?:TABLE\\s+)?(?<table>${name})\\s+(?:\\((?<columns>\\s*${name}(?:\\s*,\\s*${name})*\\s*)\\)\\s+)?FORMAT\\s+(?<format>\\w+)\\s*$`,
  'i',
)

/** The target when the SQL is an insert whose rows are in the body. */
export function insertTarget(sql: string): InsertTarget | undefined {
  const match = insert.exec(sql)?.groups
  if (!match) return undefined
  const plain = (text = '') => text.replaceAll('`', '').trim()
  const columns = match['columns']?.split(',').map(plain)
  return { table: plain(match['table']), columns, format: plain(match['format']) }
}

/** Status of an exception: the client's fault, or ours. */
export function statusOf(code: number): number {
  if (code === 60 || code === 81) return 404
  if (code === 241 || code === 243 || code === 202 || code === 1002) return 500
  return code === 159 || code === 160 ? 408 : 400
}

function isSetting(key: string, value: string): boolean {
  if (key === 'query' || key === 'query_id' || key === 'default_format') return false
  if (key === 'session_id') throw new EngineError(36, 'Sessions are not supported')
  if (key === 'database') {
    if (value !== 'default') throw new EngineError(81, `Database ${value} does not exist`)
    return false
  }
  return !ofTheInterface.has(key)
}
