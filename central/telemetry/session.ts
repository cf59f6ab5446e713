// One connection of an XDP telemetry agent. Frames become rows a few times a second; while rows wait for the disk
// nothing more is read. What is no such frame ends the connection, counted.

import type { Socket } from 'node:net'
import { AppError, type CounterHandle, messageOf, type Reporter } from '../../common/mod.ts'
import { appendRow, type Batch, createBatch, eventTable, type RowValues } from '../../wire/mod.ts'
import { centralError } from '../errors.ts'
import type { StageLedger } from '../ingest/stage-ledger.ts'
import { createTelemetryDecoder, type TelemetryEvent } from './frame.ts'
import { rowOfTelemetry } from './rows.ts'

export interface TelemetryDeps {
  /** Resolves when the rows would survive a power loss. */
  readonly take: (node: string, batch: Batch) => Promise<void>
  readonly ledger: Pick<StageLedger, 'of'>
  /** Hears of every event that is taken. */
  readonly onEvent: (event: TelemetryEvent) => void
  /** By cause. */
  readonly refusals: CounterHandle
  readonly frames: CounterHandle
  readonly nowNs: () => bigint
  readonly onClose: () => void
}

export interface TelemetrySession {
  /** Ends the connection; resolves when its rows are taken. */
  stop(): Promise<void>
}

const flushMs = 200
/** Rows that wait for the next flush, and rows that wait for the disk. */
const waitingMax = 2000
const agentsMax = 32
/** A frame that has begun comes whole within so long. */
const frameMs = 10_000
const pastMaxNs = 7n * 86_400_000_000_000n
const futureMaxNs = 3_600_000_000_000n

/** Takes over a socket; `first` is what was read of it before. */
export function createTelemetrySession(
  socket: Socket,
  first: Uint8Array,
  deps: TelemetryDeps,
  reporter: Reporter,
): TelemetrySession {
  const decoder = createTelemetryDecoder()
  const agents = new Set<string>()
  let rows: RowValues[] = []
  let ended = false
  let flushing: Promise<void> | undefined
  let cutOff: NodeJS.Timeout | undefined
  const timer = setInterval(() => void flush(), flushMs)

  socket.on('data', read)
  socket.on('error', (error) => reporter.log.debug({ err: messageOf(error) }, 'telemetry'))
  socket.on('close', () => {
    if (!ended && decoder.pending() > 0) deps.refusals.add(1, 'cut_off')
    ended = true
    clearInterval(timer)
    clearTimeout(cutOff)
    void stop()
    deps.onClose()
  })
  read(first)

  function read(octets: Uint8Array): void {
    if (ended) return
    try {
      decoder.push(octets, deliver)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      end(error)
      return
    }
    clearTimeout(cutOff)
    if (decoder.pending() > 0) cutOff = setTimeout(endCutOff, frameMs)
    if (rows.length >= waitingMax) void flush()
  }

  function endCutOff(): void {
    end(centralError('telemetry_bad', { details: { what: 'it does not come to its end' } }))
  }

  function deliver(event: TelemetryEvent): void {
    agents.add(event.agentId)
    if (agents.size > agentsMax) {
      const what = `more than ${agentsMax} agent ids come on one connection`
      throw centralError('telemetry_bad', { details: { what } })
    }
    const row = rowOfTelemetry(event)
    deps.frames.add(1)
    if (!isInRange(event.timestampNs)) {
      const ledger = deps.ledger.of(eventTable.name)
      ledger.count(event.agentId, 'ingest', 'entered', 1)
      ledger.lose(event.agentId, 'ingest', 1, 'time_out_of_range')
      deps.refusals.add(1, 'time_out_of_range')
      return
    }
    deps.onEvent(event)
    rows.push(row)
  }

  function isInRange(time: bigint): boolean {
    const now = deps.nowNs()
    return time >= now - pastMaxNs && time <= now + futureMaxNs
  }

  /** Reading goes on when the rows are on the disk: the sender waits, nothing piles up here. */
  function flush(): Promise<void> {
    flushing ??= write().finally(() => {
      flushing = undefined
    })
    return flushing
  }

  async function write(): Promise<void> {
    if (rows.length === 0) return
    const taken = rows
    rows = []
    socket.pause()
    try {
      for (const [node, some] of byNode(taken)) await deps.take(node, batchOf(some))
    } catch (error) {
      reporter.limited.error('telemetry', { err: messageOf(error) }, 'storing packets')
    } finally {
      socket.resume()
    }
  }

  /** What came while the last rows were written is written too. */
  async function stop(): Promise<void> {
    ended = true
    socket.destroy()
    await flush()
    await flush()
  }

  function end(error: AppError): void {
    if (ended) return
    ended = true
    deps.refusals.add(1, error.code)
    const fields = { from: socket.remoteAddress, err: error.message }
    reporter.limited.warn(error.code, fields, 'ending a connection')
    socket.destroy()
  }

  return { stop }
}

function byNode(rows: readonly RowValues[]): ReadonlyMap<string, readonly RowValues[]> {
  return Map.groupBy(rows, (row) => String(row['node']))
}

function batchOf(rows: readonly RowValues[]): Batch {
  const batch = createBatch(eventTable, rows.length)
  for (const row of rows) appendRow(batch, row)
  return batch
}
