// Inserts one segment file, atomically and once: the segment's id is the deduplication token, and all its
// blocks are squashed into ONE insert block, whose part the engine commits whole or not at all.

import type { FileHandle } from 'node:fs/promises'
import type { ClickHouseClient } from '@clickhouse/client'
import { fieldsOf, tableNamed } from '../../wire/mod.ts'

/** Rows that one insert block can hold; a segment must have fewer. */
export const segmentRowsMax = 1_000_000

const settings = {
  insert_deduplicate: 1,
  max_threads: 1,
  max_insert_threads: '1',
  input_format_parallel_parsing: 0,
  max_insert_block_size: '1048449',
  min_insert_block_size_rows: '1048449',
  min_insert_block_size_bytes: '0',
  max_execution_time: 120,
} as const

export interface SegmentFile {
  /** Concatenated Native blocks; closed afterwards. A path would be an error that nobody hears, if it is gone. */
  readonly file: FileHandle
  readonly table: string
  /** The blocks' columns as SQL; what else the table has gets its default. */
  readonly columns: string
  /** A token that was seen is done already. */
  readonly token: string
}

/** The columns of a table's schema as SQL; undefined when there is no such table. */
export function columnsOf(name: string, schema?: number): string | undefined {
  const table = tableNamed(name)
  return (
    table &&
    fieldsOf(table, schema)
      .map((field) => `\`${field.name}\``)
      .join(', ')
  )
}

/** Streams the file into the table; rejects with the client's own errors. */
export async function insertSegmentFile(
  client: ClickHouseClient,
  { file, table, columns, token }: SegmentFile,
): Promise<void> {
  const values = file.createReadStream()
  try {
    const { stream } = await client.exec({
      query: `INSERT INTO ${table} (${columns}) FORMAT Native`,
      values,
      clickhouse_settings: { ...settings, insert_deduplication_token: token },
    })
    stream.resume()
    await new Promise<void>((resolve, reject) => stream.on('end', resolve).on('error', reject))
  } finally {
    values.destroy()
  }
}
