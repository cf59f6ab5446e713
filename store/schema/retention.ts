// Keeps the store within an age and a size by dropping whole partitions, oldest first: no row is rewritten.

import type { Component, Reporter } from '../../common/mod.ts'
import { tables } from '../../wire/mod.ts'
import type { Reader } from '../reader.ts'

/** What one table may keep. */
export interface TableRetention {
  readonly ageMaxMs?: number
  /** Octets on disk of this table; no bound of its own when not given. */
  readonly bytesMax?: number
}

export interface RetentionConfig {
  /** 30 days when not given. */
  readonly ageMaxMs?: number
  /** Octets on disk, all tables together; 10 GiB when not given. The newest partition of a table always stays. */
  readonly bytesMax?: number
  /** By table; what is not said here holds as above. */
  readonly tables?: Readonly<Record<string, TableRetention>>
  readonly intervalMs?: number
}

export interface RetentionDeps extends Reader {
  command(sql: string): Promise<void>
}

export interface Retention extends Component {
  /** One round, now; gives the partitions it dropped as `table/id`. */
  apply(nowMs: number): Promise<readonly string[]>
}

interface Partition {
  readonly table: string
  readonly id: string
  readonly bytes: number
  /** Newest row, milliseconds since 1970. */
  readonly endMs: number
  readonly newest: boolean
}

const partitionsSql = `
  SELECT table, partition_id AS id, sum(bytes_on_disk) AS bytes,
         toUnixTimestamp64Milli(max(max_time)) AS end_ms
  FROM (SELECT table, partition_id, bytes_on_disk,
               toDateTime64(toDate(parseDateTimeBestEffort(partition_id)) + 1, 3, 'UTC') AS max_time
        FROM system.parts WHERE active AND database = currentDatabase()
          AND table IN (${tables.map(({ name }) => `'${name}'`).join(', ')}))
  GROUP BY table, partition_id ORDER BY end_ms, table`

export function createRetention(
  config: RetentionConfig,
  deps: RetentionDeps,
  reporter: Reporter,
): Retention {
  const ageMaxMs = config.ageMaxMs ?? 30 * 86_400_000
  const bytesMax = config.bytesMax ?? 10 * 1024 ** 3
  const dropped = reporter.counter('partitions_dropped', 'Partitions dropped by age or size')
  let timer: NodeJS.Timeout | undefined
  let round: Promise<unknown> = Promise.resolve()

  async function apply(nowMs: number): Promise<readonly string[]> {
    const partitions = await list()
    let bytes = partitions.reduce((sum, { bytes }) => sum + bytes, 0)
    const ofTable = new Map<string, number>()
    for (const { table, bytes } of partitions) ofTable.set(table, (ofTable.get(table) ?? 0) + bytes)
    const names: string[] = []
    for (const partition of partitions) {
      const own = config.tables?.[partition.table] ?? {}
      const inTable = ofTable.get(partition.table) ?? 0
      const old = partition.endMs < nowMs - (own.ageMaxMs ?? ageMaxMs)
      const tooMany =
        !partition.newest && (bytes > bytesMax || inTable > (own.bytesMax ?? bytesMax))
      if (!old && !tooMany) continue
      await deps.command(`ALTER TABLE ${partition.table} DROP PARTITION ID '${partition.id}'`)
      bytes -= partition.bytes
      ofTable.set(partition.table, inTable - partition.bytes)
      dropped.add(1, old ? 'age' : 'size')
      names.push(`${partition.table}/${partition.id}`)
    }
    if (names.length > 0) reporter.log.info({ partitions: names }, 'dropped old partitions')
    return names
  }

  async function list(): Promise<readonly Partition[]> {
    const rows = await deps.read(partitionsSql)
    const partitions = rows.map((row) => ({
      table: String(row['table']),
      id: String(row['id']),
      bytes: Number(row['bytes']),
      endMs: Number(row['end_ms']),
    }))
    const newest = new Map(partitions.map(({ table, endMs }) => [table, endMs]))
    return partitions.map((one) => ({ ...one, newest: newest.get(one.table) === one.endMs }))
  }

  function start(): void {
    timer = setInterval(() => {
      round = apply(Date.now()).catch((error) =>
        reporter.log.warn({ err: error }, 'applying the retention'),
      )
    }, config.intervalMs ?? 60_000)
    timer.unref()
  }

  async function stop(): Promise<void> {
    clearInterval(timer)
    await round
  }

  return { name: 'retention', start, stop, apply }
}
