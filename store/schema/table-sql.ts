// DDL from the table of fields. One template for the embedded engine and for a cluster.

import { columnType, type DerivedField, type Field, type Table } from '../../wire/mod.ts'
import { communityIdSql } from './community-id.ts'

/** What differs between the embedded engine and a cluster. */
export interface Dialect {
  readonly engine: string
  /** `ON CLUSTER name`, or nothing. */
  readonly onCluster: string
  readonly deduplication: string
}

/** The dialect of the embedded engine: no cluster. */
export const embedded: Dialect = {
  engine: 'MergeTree',
  onCluster: '',
  deduplication: 'non_replicated_deduplication_window',
}

/** Segments whose tokens the engine remembers, per table: 2.8 hours at one a second. */
const tokensRemembered = 10_000

const indexGranularity = 2

/** `CREATE TABLE IF NOT EXISTS …` of a table of the model. */
export function createTableSql(table: Table, dialect: Dialect = embedded): string {
  const lines = [
    ...table.fields.map(columnSql),
    ...table.derived.map(derivedSql),
    ...table.fields.filter(isLookedUp).map(indexSql),
  ]
  return `CREATE TABLE IF NOT EXISTS ${clause(table.name, dialect)} (
  ${lines.join(',\n  ')}
)
ENGINE = ${dialect.engine}
PARTITION BY ${table.partitionBy}
ORDER BY (${table.orderBy})
SETTINGS ${dialect.deduplication} = ${tokensRemembered}, fsync_after_insert = 1, fsync_part_directory = 1`
}

/** Adds what an older version's table lacks; columns it does not know any more stay. */
export function addColumnsSql(table: Table, dialect: Dialect = embedded): string {
  const columns = [...table.fields.map(columnSql), ...table.derived.map(derivedSql)]
  const added = columns.map((column) => `ADD COLUMN IF NOT EXISTS ${column}`)
  return `ALTER TABLE ${clause(table.name, dialect)} ${added.join(', ')}`
}

function clause(name: string, dialect: Dialect): string {
  return dialect.onCluster === '' ? name : `${name} ${dialect.onCluster}`
}

function columnSql(field: Field): string {
  const older = field.older === undefined ? '' : ` DEFAULT ${field.older}`
  return `\`${field.name}\` ${columnType(field)}${older} CODEC(${field.codec})`
}

/** Computed when it is asked for, so it costs no disk. */
function derivedSql(field: DerivedField): string {
  const sql = field.name === 'community_id' ? communityIdSql : field.sql
  return `\`${field.name}\` String ALIAS ${sql}`
}

/** Needles in a large heap: addresses, and ids of processes. */
function isLookedUp(field: Field): boolean {
  return field.kind === 'address' || field.name.endsWith('_pid')
}

function indexSql(field: Field): string {
  const name = `seek_${field.name}`
  return `INDEX ${name} \`${field.name}\` TYPE bloom_filter(0.01) GRANULARITY ${indexGranularity}`
}
