// Inserts one segment file, atomically and once: the segment's id is the deduplication token, and all its
// blocks are squashed into ONE insert block, whose part the engine commits whole or not at all.

import { createReadStream } from 'node:fs'
import type { ClickHouseClient } from '@clickhouse/client'

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

/** Streams the file (concatenated Native blocks) into the table; rejects with the client's own errors. */
export async function insertSegmentFile(
  client: ClickHouseClient,
  file: string,
  table: string,
  token: string,
): Promise<void> {
  const values = createReadStream(file)
  try {
    const { stream } = await client.exec({
      query: `INSERT INTO ${table} FORMAT Native`,
      values,
      clickhouse_settings: { ...settings, insert_deduplication_token: token },
    })
    stream.resume()
    await new Promise<void>((resolve, reject) => stream.on('end', resolve).on('error', reject))
  } finally {
    values.destroy()
  }
}
