// Rows as they become durable, to whoever reads them now: server-sent events, one row each. Every reader has its own
// filter and its own bounded memory. Who reads too slowly loses rows of its own, never the agents' or another reader's;
// they are counted, and the reader gets their number before the next row.
//
//   : open                      at once, and every 15 s: the connection lives
//   data: {"time":"…", …}       a row, as lists have it
//   event: lost                 rows that passed the filter and did not fit
//   data: {"rows": 12}

import type { ServerResponse } from 'node:http'
import { messageOf, type Reporter } from '../../common/mod.ts'
import {
  type BlockView,
  type Filter,
  readBlock,
  rowOf,
  rowTest,
  type Table,
} from '../../wire/mod.ts'

/** Rows that are durable: checked blocks of the table's schema of today. */
export interface LiveRows {
  readonly table: Table
  readonly blocks: readonly BlockView[]
}

/** Calls the listener with all rows from now on; returns what ends it. */
export type LiveSource = (listener: (rows: LiveRows) => void) => () => void

export interface LiveConfig {
  /** Readers at a time; 64 when not given. */
  readonly readersMax?: number
  /** Octets that wait for one reader; 1 MiB when not given. */
  readonly waitingBytesMax?: number
  readonly keepAliveMs?: number
  /** A reader that takes nothing for so many times `keepAliveMs` is cut off: 4 when not given. */
  readonly stalledMax?: number
}

export interface Live {
  /** Answers with a stream until the client goes away; false if there are too many. */
  open(response: ServerResponse, question: LiveQuestion): boolean
  stop(): void
}

export interface LiveQuestion {
  readonly table: Table
  readonly filter: Filter
  readonly headers: Readonly<Record<string, string>>
}

interface Reader {
  readonly response: ServerResponse
  readonly table: Table
  readonly filter: Filter
  /** Rows that did not fit since the last event about it. */
  lost: number
  /** Octets that had left for the kernel at the last look, and for how many looks there were no more. */
  taken: number
  stalled: number
}

export function createLive(config: LiveConfig, source: LiveSource, reporter: Reporter): Live {
  const { readersMax = 64, waitingBytesMax = 1024 * 1024, keepAliveMs = 15_000 } = config
  const { stalledMax = 4 } = config
  const readers = new Set<Reader>()
  const sent = reporter.counter('live_rows', 'Rows sent to live readers.')
  const lost = reporter.counter('live_rows_lost', 'Rows that live readers were too slow for.')
  reporter.gauge('live_readers', 'Live readers now.', () => readers.size)
  let end: (() => void) | undefined
  let keepAlive: NodeJS.Timeout | undefined

  function open(response: ServerResponse, question: LiveQuestion): boolean {
    if (readers.size >= readersMax) return false
    const { table, filter, headers } = question
    const reader: Reader = { response, table, filter, lost: 0, taken: 0, stalled: 0 }
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    response.write(': open\n\n')
    response.on('drain', () => tell(reader))
    response.once('close', () => close(reader))
    response.once('error', () => close(reader))
    readers.add(reader)
    begin()
    return true
  }

  /** Nothing is read of any block while nobody listens. */
  function begin(): void {
    end ??= source(hear)
    keepAlive ??= setInterval(() => {
      for (const reader of readers) look(reader)
    }, keepAliveMs).unref()
  }

  function look(reader: Reader): void {
    const { response } = reader
    if (response.writableLength === 0) response.write(':\n\n')
    const { bytesWritten = 0, writableLength = 0 } = response.socket ?? {}
    const taken = bytesWritten - writableLength
    reader.stalled = taken === reader.taken ? reader.stalled + 1 : 0
    reader.taken = taken
    if (reader.stalled >= stalledMax) response.destroy()
  }

  function close(reader: Reader): void {
    readers.delete(reader)
    if (readers.size > 0) return
    end?.()
    clearInterval(keepAlive)
    end = undefined
    keepAlive = undefined
  }

  /** Never throws: the rows are durable, and what happens to them next must not wait for readers. */
  function hear(rows: LiveRows): void {
    try {
      deliver(rows)
    } catch (error) {
      reporter.limited.error('live', { err: messageOf(error) }, 'sending rows to live readers')
    }
  }

  function deliver({ table, blocks }: LiveRows): void {
    const wanting = [...readers].filter((reader) => reader.table === table)
    if (wanting.length === 0) return
    for (const view of blocks) {
      const batch = readBlock(view)
      /** Each row becomes JSON once, however many readers want it. */
      const texts: (string | undefined)[] = []
      const textOf = (row: number) => {
        texts[row] ??= `data: ${JSON.stringify(rowOf(batch, row))}\n\n`
        return texts[row]
      }
      for (const reader of wanting) {
        const passes = rowTest(reader.filter, batch)
        for (let row = 0; row < batch.length; row++) if (passes(row)) give(reader, row, textOf)
      }
    }
  }

  function give(reader: Reader, row: number, textOf: (row: number) => string): void {
    const { response } = reader
    if (response.writableLength > waitingBytesMax) {
      reader.lost++
      lost.add(1)
      return
    }
    tell(reader)
    sent.add(1)
    response.write(textOf(row))
  }

  function tell(reader: Reader): void {
    if (reader.lost === 0) return
    reader.response.write(`event: lost\ndata: {"rows":${reader.lost}}\n\n`)
    reader.lost = 0
  }

  function stop(): void {
    for (const { response } of readers) response.end()
  }

  return { open, stop }
}
