// PostgreSQL as a receiver: COPY into partitions, together with the position of the export in one transaction. So
// a row is there once, whatever dies when: after a break the database says what it has.

import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { messageOf, parseDurationMs } from '../../../common/mod.ts'
import type { Column, Table } from '../../../wire/mod.ts'
import { abortable } from '../abortable.ts'
import type { ExportConfig, RowPlan } from '../config.ts'
import { exportError } from '../errors.ts'
import type { ExportBatch, Position, Receiver, ReceiverKind } from '../receiver.ts'
import { tlsOptions } from '../tls.ts'
import { copyText } from './copy-text.ts'
import {
  partitionName,
  partitionSql,
  partitionsSql,
  positionsSql,
  quoted,
  tableSql,
  takenSql,
  viewsSql,
} from './schema.ts'

const dayMs = 86_400_000
const dayNs = 86_400_000_000_000n
const standardRetention = '30d'
const farewellMsMax = 1000
/** Classes of SQLSTATE that say that the rows themselves are wrong: data exceptions, violated constraints. */
const refusals = /^2[23]/

export const postgresqlKind: ReceiverKind = {
  needs: ({ fields }) => [...fields, 'time'],
  create: createPostgresql,
}

function createPostgresql(config: ExportConfig, plans: readonly RowPlan[]): Receiver {
  const { name, timeoutMs = 10_000, options = {} } = config
  const wrong = (what: string) => exportError('export_wrong', { details: { name, what } })
  const target = targetOf(config.endpoint)
  if (!target) throw wrong('dsn: expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE')
  const retentionMs = parseDurationMs(options['retention'] ?? standardRetention)
  if (!retentionMs || retentionMs < dayMs)
    throw wrong('retention: expected a time span of a day or more')
  const columns = new Map(plans.map(({ table, fields }) => [table.name, columnsOf(table, fields)]))
  const partitions = new Set<string>()
  let client: pg.Client | undefined
  let droppedDay = 0

  async function connected(signal: AbortSignal): Promise<pg.Client> {
    if (client) return client
    const fresh = new pg.Client({
      connectionString: config.endpoint,
      connectionTimeoutMillis: timeoutMs,
      application_name: `weir export ${name}`,
      keepAlive: true,
      ...(config.tls ? { ssl: await tlsOptions(config.tls) } : {}),
    })
    // Also said to whoever waits for an answer; without a listener it would end the process.
    fresh.on('error', () => forget(fresh))
    await answered(fresh, signal, async () => {
      await fresh.connect()
      await fresh.query(`SET statement_timeout = ${Math.ceil(timeoutMs)}; SET TimeZone = 'UTC'`)
      await prepare(fresh)
    })
    client = fresh
    return fresh
  }

  /** Two centrals that begin at once take turns: CREATE … IF NOT EXISTS alone does not. */
  async function prepare(fresh: pg.Client): Promise<void> {
    partitions.clear()
    await fresh.query('BEGIN')
    await fresh.query("SELECT pg_advisory_xact_lock(hashtext('weir schema'))")
    await fresh.query(positionsSql)
    for (const { table } of plans) for (const sql of tableSql(table)) await fresh.query(sql)
    if (plans.some(({ table }) => table.name === 'flows')) {
      await assertFree(fresh)
      for (const sql of viewsSql) await fresh.query(sql)
    }
    // Behind the views: CREATE TABLE IF NOT EXISTS nodes, as the older collector's file has it, leaves them as they are.
    const file = options['db_init_sql_path']
    if (file !== undefined) await runFile(fresh, file)
    await fresh.query('COMMIT')
  }

  /** A client that met an error or no answer is left. */
  async function answered<T>(
    now: pg.Client,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      // pg 8.23 itself never settles a connect() whose client is ended meanwhile.
      return await abortable(signal, work)
    } catch (error) {
      forget(now)
      throw error
    }
  }

  function forget(old: pg.Client): void {
    if (client === old) client = undefined
    old.end().catch(() => undefined)
  }

  async function position(signal: AbortSignal): Promise<Position | undefined> {
    const now = await connected(signal)
    return answered(now, signal, () => readPosition(now, name, ''))
  }

  async function send(
    batch: ExportBatch,
    after: Position,
    signal: AbortSignal,
  ): Promise<undefined> {
    const now = await connected(signal)
    try {
      await answered(now, signal, () => bring(now, batch, after))
    } catch (error) {
      const { code = '' } = error as { code?: string }
      if (!refusals.test(code)) throw error
      throw exportError('export_refused', { details: { what: messageOf(error) }, cause: error })
    }
  }

  async function bring(now: pg.Client, batch: ExportBatch, after: Position): Promise<void> {
    const { table } = batch
    const days = daysOf(batch)
    for (const day of days) {
      const partition = partitionName(table.name, day)
      if (partitions.has(partition)) continue
      await now.query(partitionSql(table.name, day))
      partitions.add(partition)
    }
    await now.query('BEGIN')
    const known = await readPosition(now, name, 'FOR UPDATE')
    const isThere = known?.journal === after.journal && known.passed >= after.passed
    if (!isThere) {
      const fields = columns.get(table.name) ?? []
      const names = fields.map((field) => quoted(field.name)).join(', ')
      const copy = now.query(copyFrom(`COPY ${table.name} (${names}) FROM STDIN`))
      await pipeline(Readable.from(copyText(batch, fields)), copy)
      await now.query(writePositionSql, [
        name,
        after.journal,
        after.sequence,
        after.row,
        after.passed,
      ])
    }
    await now.query('COMMIT')
    await dropOld(now)
  }

  /** Once a day; a partition that somebody reads now goes another time. */
  async function dropOld(now: pg.Client): Promise<void> {
    const today = Math.floor(Date.now() / dayMs)
    if (droppedDay === today) return
    droppedDay = today
    const oldest = Math.floor((Date.now() - (retentionMs ?? 0)) / dayMs)
    for (const { table } of plans) {
      const { rows } = await now.query<{ name: string }>(partitionsSql(), [table.name])
      for (const { name: partition } of rows) {
        if (partition >= partitionName(table.name, oldest)) continue
        if (!/^\w+_\d{8}$/.test(partition)) continue
        await now.query(`DROP TABLE ${quoted(partition)}`)
        partitions.delete(partition)
      }
    }
  }

  async function close(): Promise<void> {
    const old = client
    client = undefined
    if (!old) return
    const gone = old.end().catch(() => undefined)
    // A server that has vanished never answers the farewell.
    await Promise.race([gone, delay(farewellMsMax, undefined, { ref: false })])
  }

  return { target, position, send, close }
}

/** Tables of another program are left alone. Throws AppError export_away. */
async function assertFree(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(takenSql)
  if (rows.length === 0) return
  const names = rows.map(({ name }) => name).join(', ')
  const what = `the database has tables of other programs where the views ${names} belong: rename them, or give the export a schema of its own (dsn …?options=-csearch_path%3DSCHEMA)`
  throw exportError('export_away', { details: { what } })
}

async function runFile(client: pg.Client, file: string): Promise<void> {
  try {
    await client.query(await readFile(file, 'utf8'))
  } catch (cause) {
    const what = `db_init_sql_path ${file}: ${messageOf(cause)}`
    throw exportError('export_away', { details: { what }, cause })
  }
}

const writePositionSql = `INSERT INTO weir_exports (name, journal, sequence, row_number, passed)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO UPDATE SET journal = excluded.journal,
sequence = excluded.sequence, row_number = excluded.row_number, passed = excluded.passed, updated = now()`

async function readPosition(client: pg.Client, name: string, lock: string) {
  const { rows } = await client.query(
    `SELECT journal, sequence, row_number, passed FROM weir_exports WHERE name = $1 ${lock}`,
    [name],
  )
  const [row] = rows
  if (!row) return undefined
  const { journal, sequence, row_number, passed } = row
  return { journal, sequence: Number(sequence), row: Number(row_number), passed: Number(passed) }
}

function columnsOf(table: Table, names: readonly string[]) {
  return table.fields.filter(({ name }) => names.includes(name) || name === 'time')
}

/** Days since 1970 that the batch has rows of. */
function daysOf({ parts }: ExportBatch): ReadonlySet<number> {
  const days = new Set<number>()
  for (const { batch, rows } of parts) {
    const { values } = batch.columns['time'] as Column
    for (const row of rows) {
      const high = BigInt(values[row * 2 + 1] as number) << 32n
      days.add(Number((high + BigInt(values[row * 2] as number)) / dayNs))
    }
  }
  return days
}

/** `postgresql://weir@db:5432/net`: without the password; undefined when it is no DSN. */
function targetOf(dsn: string): string | undefined {
  const url = URL.parse(dsn)
  if (!url || !/^postgres(?:ql)?:$/.test(url.protocol)) return undefined
  url.password = ''
  url.search = ''
  return url.href
}
