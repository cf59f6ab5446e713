// The tables of the PostgreSQL export, from the table of fields: partitioned by day, so that old rows go without a
// DELETE, and views of the shapes that Grafana's node graph and older tools read.

import { type Field, flowTable, type Table } from '../../../wire/mod.ts'

/**
 * Columns of a type that holds every value: ids are unsigned 64-bit numbers, so `numeric`. PostgreSQL keeps
 * microseconds, so times lose their last three digits.
 */
function typeOf({ kind }: Field): string {
  switch (kind) {
    case 'time':
      return 'timestamptz'
    case 'name':
    case 'text':
      return 'text'
    case 'octets':
      return 'bytea'
    case 'list':
      return 'text[]'
    case 'address':
      return 'inet'
    case 'counter':
    case 'u32':
      return 'bigint'
    case 'id':
      return 'numeric(20)'
    case 'u8':
      return 'smallint'
    case 'u16':
      return 'integer'
    case 'flag':
      return 'boolean'
  }
}

/** Where each export of this database is; the rows and this change in one transaction. */
export const positionsSql = `CREATE TABLE IF NOT EXISTS weir_exports (
  name text PRIMARY KEY, journal text NOT NULL, sequence bigint NOT NULL,
  row_number bigint NOT NULL, passed bigint NOT NULL, updated timestamptz NOT NULL DEFAULT now())`

/** Makes the table, and adds the columns that an older version's table lacks. */
export function tableSql({ name, fields }: Table): readonly string[] {
  const columns = fields.map((field) => `${quoted(field.name)} ${typeOf(field)}`)
  const added = columns.map((column) => `ADD COLUMN IF NOT EXISTS ${column}`)
  return [
    `CREATE TABLE IF NOT EXISTS ${name} (${columns.join(', ')}) PARTITION BY RANGE (time)`,
    `ALTER TABLE ${name} ${added.join(', ')}`,
    `CREATE INDEX IF NOT EXISTS ${name}_time ON ${name} USING brin (time)`,
  ]
}

/** The day that a partition holds, by days since 1970: `flows_20261129`. */
export function partitionName(table: string, day: number): string {
  return `${table}_${dateOf(day).replaceAll('-', '')}`
}

export function partitionSql(table: string, day: number): string {
  const bounds = `FROM ('${dateOf(day)}Z') TO ('${dateOf(day + 1)}Z')`
  return `CREATE TABLE IF NOT EXISTS ${partitionName(table, day)} PARTITION OF ${table} FOR VALUES ${bounds}`
}

export function partitionsSql(): string {
  return `SELECT child.relname AS name FROM pg_inherits
JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
WHERE parent.relname = $1 AND parent.relnamespace = current_schema()::regnamespace`
}

function dateOf(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10)
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * `nodes`, `edges`, `net_traces` with the columns that Grafana's node graph and the older collector have, over the
 * last hour of flows. A node is a pod, else a workload at an address. The weight of an edge grows with its bytes.
 * Older dashboards ask for the first 50 rows of either: those are the ones with the most bytes.
 */
export const viewsSql: readonly string[] = [
  `CREATE OR REPLACE VIEW weir_recent_edges AS
SELECT ${nodeId('src')} AS source, ${nodeId('dst')} AS target, sum(bytes + reverse_bytes) AS bytes,
  sum(opened) AS connections, max(time) AS last_seen
FROM ${flowTable.name} WHERE time > now() - interval '1 hour' GROUP BY 1, 2`,
  `CREATE OR REPLACE VIEW edges AS
SELECT source || '>' || target AS id, source, target, (1 + ln(1 + bytes))::float8 AS thickness,
  bytes, connections, last_seen FROM weir_recent_edges ORDER BY bytes DESC, source, target`,
  `CREATE OR REPLACE VIEW nodes AS
SELECT id, max(host(address)) AS mainstat, max(concat_ws('.', nullif(workload, ''), nullif(namespace, ''))) AS secondarystat,
  max(coalesce(nullif(pod, ''), nullif(workload, ''), host(address))) AS title, max(node) AS subtitle,
  max(time) AS last_seen
FROM (${['src', 'dst'].map(endSql).join(' UNION ALL ')}) AS ends GROUP BY id
ORDER BY sum(bytes) DESC, id`,
  `CREATE OR REPLACE VIEW net_traces AS
SELECT (connection_id % 9223372036854775807)::bigint AS id, src_address AS src_ip, src_port,
  dst_address AS dest_ip, dst_port AS dest_port, upper(protocol)::varchar AS protocol,
  json_build_object('bytes', bytes, 'reverse_bytes', reverse_bytes, 'state', state, 'end_reason', end_reason) AS payload,
  time FROM ${flowTable.name}`,
]

/** Views whose names something else has, a table of another program for example. */
export const takenSql = `SELECT relname AS name FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relname IN ('nodes', 'edges', 'net_traces') AND relkind != 'v'
ORDER BY relname`

function nodeId(side: string): string {
  const pod = `concat_ws('/', nullif(${side}_namespace, ''), nullif(${side}_pod, ''))`
  const place = `coalesce(nullif(${side}_workload, '') || '@', '') || host(${side}_address)`
  return `CASE WHEN ${side}_pod != '' THEN ${pod} ELSE ${place} END`
}

function endSql(side: string): string {
  return `SELECT ${nodeId(side)} AS id, ${side}_address AS address, ${side}_workload AS workload,
  ${side}_namespace AS namespace, ${side}_pod AS pod, ${side}_node AS node, bytes + reverse_bytes AS bytes, time
  FROM ${flowTable.name} WHERE time > now() - interval '1 hour'`
}
