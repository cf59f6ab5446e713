// Step 1: flows were ordered by unit and process; now by namespace and workload, which older rows do not have yet.
// The rows are copied hour by hour into a table of today's order, which then takes the place of the old one:
//
//   flows (old order) ── copied ──▶ flows_next ── EXCHANGE, atomic ──▶ flows │ flows_next (old) ── DROP
//
// An interruption before the exchange leaves the old table whole: the copy begins anew. After it, only the drop
// is left to do.

import { flowTable } from '../../../wire/mod.ts'
import type { SchemaDoor } from '../step.ts'
import { createTableSql } from '../table-sql.ts'

const next = { ...flowTable, name: 'flows_next' }

/** What rows of schema 1 say of workload and node, by the rules of today's agents. */
const computed: Readonly<Record<string, string>> = {
  src_workload: workloadSql('src'),
  dst_workload: workloadSql('dst'),
  src_node: `if(src_netns = 0, '', node)`,
  dst_node: `if(dst_netns = 0, '', node)`,
}

export async function rewriteFlows(
  door: SchemaDoor,
  progress: (share: number) => void,
): Promise<void> {
  if (!(await isOrderedByWorkload(door))) {
    await door.command('DROP TABLE IF EXISTS flows_next SYNC')
    await door.command(createTableSql(next))
    const hours = await hoursOf(door)
    for (const [index, hour] of hours.entries()) {
      await door.command(copySql(hour))
      progress((index + 1) / hours.length)
    }
    await checkCopied(door)
    await door.command('EXCHANGE TABLES flows AND flows_next')
  }
  await door.command('DROP TABLE IF EXISTS flows_next SYNC')
}

async function isOrderedByWorkload(door: SchemaDoor): Promise<boolean> {
  const [row] = await door.read(
    `SELECT sorting_key FROM system.tables WHERE database = currentDatabase() AND name = 'flows'`,
  )
  return String(row?.['sorting_key']).includes('src_workload')
}

/** Begins of the hours that have rows, seconds since 1970. */
async function hoursOf(door: SchemaDoor): Promise<readonly number[]> {
  const rows = await door.read(
    'SELECT DISTINCT toUnixTimestamp(toStartOfHour(time)) AS hour FROM flows ORDER BY hour',
  )
  return rows.map((row) => Number(row['hour']))
}

function copySql(hour: number): string {
  const names = flowTable.fields.map(({ name }) => name)
  const values = names.map((name) => computed[name] ?? `\`${name}\``)
  const range = `time >= toDateTime(${hour}, 'UTC') AND time < toDateTime(${hour + 3600}, 'UTC')`
  return `INSERT INTO flows_next (${names.map((name) => `\`${name}\``).join(', ')})
SELECT ${values.join(', ')} FROM flows WHERE ${range}
SETTINGS max_execution_time = 0, max_threads = 1, max_insert_threads = 1`
}

/** The old rows go only when the new table has them all, byte for byte in its sums. */
async function checkCopied(door: SchemaDoor): Promise<void> {
  const sql = (table: string) =>
    `SELECT toString(tuple(count(), sum(bytes), sum(reverse_bytes), sum(cityHash64(connection_id, time)))) AS sums FROM ${table}`
  const [before] = await door.read(sql('flows'), {}, { timeoutSeconds: 140 })
  const [after] = await door.read(sql('flows_next'), {}, { timeoutSeconds: 140 })
  if (before?.['sums'] === after?.['sums']) return
  throw new Error(`flows has ${before?.['sums']}, its copy ${after?.['sums']}: the old table stays`)
}

function workloadSql(side: 'src' | 'dst'): string {
  const unit = `${side}_unit`
  const container = `${side}_container`
  return `multiIf(${unit} != '', ${unit}, ${container} != '', ${container}, ${side}_process)`
}
