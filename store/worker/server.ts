// Answers the ClickHouse HTTP dialect on a unix socket with the embedded engine.

import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type InsertTarget, insertTarget, type Request, readRequest, statusOf } from './dialect.ts'
import type { Engine, Statement } from './engine.ts'
import { EngineError, engineErrorOf } from './engine-error.ts'
import { workerLimits } from './limits.ts'
import { literal, quoted } from './set-statement.ts'

export interface WorkerServer {
  listen(): Promise<void>
  /** Takes no new requests and lets those of running inserts end. */
  close(): Promise<void>
}

export interface WorkerServerConfig {
  readonly socketPath: string
  /** Folder for the bodies of inserts; emptied at the start. */
  readonly spoolFolder: string
}

/** Statements that leave the columns of tables as they are. */
const onlyReads = /^\s*(?:SELECT|WITH)\b/i

export function createWorkerServer(config: WorkerServerConfig, engine: Engine): WorkerServer {
  let bodies = 0
  /** Columns of the tables that rows were inserted into, until a statement that may change them. */
  let known = new Map<string, readonly Column[]>()
  // An import statement would load undici and http2 as well (docs/design/004-memory.md).
  const { createServer } = process.getBuiltinModule('node:http')
  const server = createServer((request, response) => {
    handle(request, response).catch((error) => sendError(response, engineErrorOf(error)))
  })
  // An idle connection stays: one that the server closes may have been given a question in that very moment.
  server.keepAliveTimeout = 0

  async function listen(): Promise<void> {
    await rm(config.spoolFolder, { recursive: true, force: true })
    await mkdir(config.spoolFolder, { recursive: true, mode: 0o700 })
    await rm(config.socketPath, { force: true })
    await listening(server, config.socketPath)
  }

  async function handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(message.url ?? '/', 'http://store')
    if (url.pathname === '/ping') return void response.end('Ok.\n')
    const request = readRequest(url.searchParams)
    if (request.queryId !== undefined) response.setHeader('X-ClickHouse-Query-Id', request.queryId)
    const target = insertTarget(request.sql)
    if (target) return insert(message, response, request, target)
    const sql = [request.sql, await textOf(message)].filter((part) => part !== '').join('\n')
    if (sql.trim() === '') throw new EngineError(62, 'Empty query')
    try {
      await answer(response, { ...request, sql, lane: 'query' })
    } finally {
      if (!onlyReads.test(sql)) known = new Map()
    }
  }

  /** The engine cannot take binary rows from memory, so they pass through a file of the data folder. */
  async function insert(
    message: IncomingMessage,
    response: ServerResponse,
    request: Request,
    target: InsertTarget,
  ): Promise<void> {
    const file = join(config.spoolFolder, `${++bodies}.body`)
    try {
      await spool(message, file)
      const columns = await columnsOf(target)
      const structure = columns.map(([name, type]) => `${quoted(name)} ${type}`).join(', ')
      const source = [file, target.format, structure].map(literal).join(', ')
      const names = columns.map(([name]) => quoted(name)).join(', ')
      const sql = `INSERT INTO ${quoted(target.table)} (${names}) SELECT * FROM file(${source})`
      await answer(response, { ...request, sql, lane: 'insert' })
    } finally {
      await rm(file, { force: true })
    }
  }

  /** Names and types of the columns that the body has. */
  async function columnsOf({ table, columns }: InsertTarget): Promise<readonly Column[]> {
    const ofNow = known
    const all = ofNow.get(table) ?? (await askColumns(table))
    ofNow.set(table, all)
    return columns ? columns.map((name) => named(all, name)) : all
  }

  async function askColumns(table: string): Promise<readonly Column[]> {
    const sql =
      'SELECT name, type FROM system.columns WHERE database = currentDatabase()' +
      " AND table = {table:String} AND default_kind NOT IN ('ALIAS', 'MATERIALIZED')"
    const params = new Map([['table', table]])
    const statement: Statement = {
      sql,
      format: 'JSONCompactEachRow',
      settings: new Map(),
      params,
      lane: 'query',
    }
    const lines = Buffer.from(await engine.run(statement).answer)
      .toString()
      .trim()
    if (lines === '') throw new EngineError(60, `Table ${table} does not exist (UNKNOWN_TABLE)`)
    return lines.split('\n').map((line) => JSON.parse(line) as Column)
  }

  /** A dropped request ends its query; an insert goes on, because its token makes the retry harmless. */
  async function answer(response: ServerResponse, statement: Statement): Promise<void> {
    const running = engine.run(statement)
    const onClose = () => statement.lane === 'query' && running.cancel()
    response.once('close', onClose)
    if (response.destroyed) onClose()
    try {
      const octets = await running.answer
      response.setHeader('X-ClickHouse-Format', statement.format)
      response.end(octets)
    } finally {
      response.off('close', onClose)
    }
  }

  async function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeIdleConnections()
    await engine.close()
    server.closeAllConnections()
    await closed
  }

  return { listen, close }
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > workerLimits.statementBytesMax) throw new EngineError(307, 'The query is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

async function spool(message: IncomingMessage, file: string): Promise<void> {
  try {
    await pipeline(message, createWriteStream(file, { mode: 0o600 }))
  } catch (error) {
    const full = (error as NodeJS.ErrnoException).code === 'ENOSPC'
    throw new EngineError(full ? 243 : 210, `Reading the rows: ${(error as Error).message}`, error)
  }
}

function sendError(response: ServerResponse, error: EngineError): void {
  if (response.destroyed || response.headersSent) return
  const known = error.message.startsWith('Code: ')
  const text = known ? error.message : `Code: ${error.code}. DB::Exception: ${error.message}`
  response.writeHead(statusOf(error.code), {
    'Content-Type': 'text/plain; charset=UTF-8',
    'X-ClickHouse-Exception-Code': String(error.code),
  })
  response.end(/\([A-Z_]{3,}\)/.test(text) ? `${text}\n` : `${text}. (WEIR_WORKER)\n`)
}

/** The socket is made readable and writable by its owner alone. */
function listening(server: Server, path: string): Promise<void> {
  const before = process.umask(0o177)
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  }).finally(() => process.umask(before))
}

/** Name and type. */
type Column = readonly [string, string]

function named(columns: readonly Column[], name: string): Column {
  const found = columns.find(([other]) => other === name)
  if (!found) throw new EngineError(16, `No such column ${name}`)
  return found
}
