// The only way a value gets into SQL: as a bound parameter. Names come from the table of fields alone.

import type { SqlParams, SqlValue } from '../reader.ts'

export interface Binder {
  readonly params: SqlParams
  /** Keeps `value` as the next parameter; gives its place in the SQL: `{p0:UInt16}`. */
  bind(type: string, value: SqlValue): string
  /** Nanoseconds since 1970 as a DateTime64(9). */
  bindTime(ns: bigint): string
}

export function createBinder(): Binder {
  const params: Record<string, SqlValue> = {}
  let count = 0
  const bind = (type: string, value: SqlValue): string => {
    const name = `p${count++}`
    params[name] = value
    return `{${name}:${type}}`
  }
  return {
    params,
    bind,
    bindTime: (ns) => `fromUnixTimestamp64Nano(${bind('Int64', ns)}, 'UTC')`,
  }
}
