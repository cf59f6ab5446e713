// The store: one storage worker behind the ClickHouse client, its schema kept up to date.

import { randomBytes } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { Agent, type AgentOptions } from 'node:http'
import { join } from 'node:path'
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client'
import type { Component, Reporter } from '../common/mod.ts'
import { flowTable, tables } from '../wire/mod.ts'
import { insertFault, queryFault } from './engine-faults.ts'
import { storeError } from './errors.ts'
import { type FileWriter, writeFileSql } from './file-writer.ts'
import type { Reader, ReadOptions, SqlParams, StoredRow } from './reader.ts'
import { openSteps, runSteps } from './schema/migrations.ts'
import { createRetention, type RetentionConfig } from './schema/retention.ts'
import { addColumnsSql, createTableSql } from './schema/table-sql.ts'
import { createWorkerProcess } from './worker-process.ts'
import { columnsOf, insertSegmentFile } from './write/segment-insert.ts'

export interface StoreConfig {
  readonly dataDir: string
  readonly retention?: RetentionConfig
  /**
   * Called before tables of an older version are rewritten, when inserts work already: what was handed to the
   * store before, and may be in it, must be inserted now, because a rewritten table knows no old tokens.
   */
  readonly beforeRewrite?: (insert: Store['insertSegment']) => Promise<void>
}

export interface Store extends Component, Reader, FileWriter {
  readonly revision: () => string
  /**
   * Inserts a file of concatenated Native blocks, all of one schema (today's when left out), of one UTC day
   * and below 1,000,000 rows, once: a token that was seen is done already. Errors: `insert_refused` (its rows, or some of them, will never be taken); `disk_full`,
   * `store_away`, `insert_later` (the engine's own trouble), Node's own of a file that cannot be read: keep the file, try again.
   */
  insertSegment(file: string, table: string, token: string, schema?: number): Promise<void>
  /** Whether the worker answers now. */
  isReady(): boolean
  /** Process id of the worker; undefined while there is none. */
  workerPid(): number | undefined
}

/** Unix socket paths end there (sun_path of unix(7)). */
const socketPathMax = 107
const readyWaitMs = 5_000
const defaults = { seconds: 30, memoryBytes: 1_000_000_000, rows: 100_000 }

/**
 * The embedded store in `config.dataDir`: starts its worker, brings the schema up to date, keeps within the
 * retention. Errors at start: `data_folder_in_use`, `store_not_started`.
 */
export function createStore(config: StoreConfig, reporter: Reporter): Store {
  const socketPath = join(config.dataDir, 'store.sock')
  const scratch = join(config.dataDir, 'scratch')
  const worker = createWorkerProcess(config.dataDir, reporter)
  const client = connect(socketPath)
  const life = randomBytes(6).toString('hex')
  let changes = 0
  const retention = createRetention(config.retention ?? {}, { read, command }, reporter)

  async function start(): Promise<void> {
    const folder = config.dataDir
    if (Buffer.byteLength(socketPath) > socketPathMax) {
      const reason = `the path of ${socketPath} is longer than ${socketPathMax} octets`
      throw storeError('store_not_started', { details: { folder, reason } })
    }
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await rm(scratch, { recursive: true, force: true })
    await mkdir(scratch, { mode: 0o700 })
    await worker.start()
    await bringUpToDate()
    await retention.start()
  }

  async function bringUpToDate(): Promise<void> {
    const [found] = await read(`SELECT count() AS tables FROM system.tables
WHERE database = currentDatabase() AND name = '${flowTable.name}'`)
    for (const table of tables) {
      await command(createTableSql(table))
      await command(addColumnsSql(table))
    }
    const open = await openSteps({ read, command }, Number(found?.['tables']) === 0)
    if (open.length === 0) return
    await config.beforeRewrite?.(insertSegment)
    await runSteps({ read, command }, open, reporter)
  }

  async function stop(): Promise<void> {
    await retention.stop()
    await worker.stop()
    await client.close()
  }

  async function read(
    sql: string,
    params: SqlParams = {},
    options: ReadOptions = {},
  ): Promise<readonly StoredRow[]> {
    const seconds = options.timeoutSeconds ?? defaults.seconds
    await worker.ready(readyWaitMs)
    try {
      // The client would ask a question that nobody waits for, and hear of no abort.
      options.signal?.throwIfAborted()
      const result = await client.query({
        query: sql,
        format: 'JSONEachRow',
        query_params: { ...params },
        ...(options.signal ? { abort_signal: options.signal } : {}),
        clickhouse_settings: {
          max_execution_time: seconds,
          max_memory_usage: String(options.memoryBytes ?? defaults.memoryBytes),
          max_result_rows: String(options.resultRowsMax ?? defaults.rows),
        },
      })
      return await result.json<StoredRow>()
    } catch (error) {
      throw queryFault(error, seconds, options.signal?.aborted === true)
    }
  }

  const writeFile: FileWriter['writeFile'] = async (target, sql, params = {}, options = {}) => {
    const seconds = options.timeoutSeconds ?? defaults.seconds
    await worker.ready(readyWaitMs)
    try {
      options.signal?.throwIfAborted()
      await client.command({
        query: writeFileSql(target, sql),
        query_params: { ...params },
        ...(options.signal ? { abort_signal: options.signal } : {}),
        clickhouse_settings: {
          max_execution_time: seconds,
          max_memory_usage: String(options.memoryBytes ?? defaults.memoryBytes),
          engine_file_truncate_on_insert: 1,
          output_format_arrow_compression_method: 'zstd',
        },
      })
    } catch (error) {
      throw queryFault(error, seconds, options.signal?.aborted === true)
    }
  }

  async function command(sql: string): Promise<void> {
    await worker.ready(readyWaitMs)
    try {
      await client.command({ query: sql })
    } catch (error) {
      throw queryFault(error, defaults.seconds, false)
    } finally {
      changes++
    }
  }

  async function insertSegment(path: string, table: string, token: string, schema?: number) {
    const columns = columnsOf(table, schema)
    if (!columns) {
      const reason = `there is no table ${table}`
      throw storeError('insert_refused', { details: { file: path, reason } })
    }
    await worker.ready(readyWaitMs)
    const rows = await open(path)
    try {
      await insertSegmentFile(client, { file: rows, table, columns, token })
    } catch (error) {
      throw insertFault(error, path)
    } finally {
      // Also after an error: the engine may have taken the rows before the connection broke.
      changes++
    }
  }

  const revision = () => `${life}.${changes}`
  const isReady = () => worker.pid() !== undefined
  const workerPid = worker.pid
  return {
    name: 'store',
    start,
    stop,
    read,
    writeFile,
    scratch,
    revision,
    insertSegment,
    isReady,
    workerPid,
  }
}

function connect(socketPath: string): ClickHouseClient {
  // Node's agent takes every option of net.connect; its types do not say so.
  const options: AgentOptions & { socketPath: string } = {
    socketPath,
    keepAlive: true,
    maxSockets: 32,
  }
  return createClient({
    url: 'http://localhost',
    http_agent: new Agent(options),
    set_basic_auth_header: false,
    request_timeout: 150_000,
    // The worker keeps idle connections, so nobody has to. A client that does (1.23) ends a connection 2.5 s after it fell
    // idle even if it is in use again, when a question between was given up before it was sent: `socket hang up`.
    keep_alive: { enabled: true, idle_socket_ttl: 0 },
    compression: { request: false, response: false },
    // Its errors become ours, and those are logged where they matter.
    log: { level: ClickHouseLogLevel.OFF },
  })
}
