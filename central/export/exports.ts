// All exports of a central as one component: the journal, who reads it, and how each of them is.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExportStatus } from '../../api/mod.ts'
import type { Component, Reporter } from '../../common/mod.ts'
import type { StageLedger } from '../ingest/stage-ledger.ts'
import { type ExportConfig, type ExportKind, exportDefaults, plansOf } from './config.ts'
import { exportError } from './errors.ts'
import { createExportCounts, createExportMetrics, type ExportCounts } from './export-counts.ts'
import { createExporter, type Exporter } from './exporter.ts'
import { createGather } from './gather.ts'
import { createJournal, type Journal, type JournalEntry, type JournalSegment } from './journal.ts'
import type { Receiver, ReceiverDeps, ReceiverKind } from './receiver.ts'

export interface ExportsConfig {
  readonly dataDir: string
  readonly exports: readonly ExportConfig[]
  /** Octets of rows that wait for receivers that are away; 2 GiB when not given. */
  readonly journalBytesMax?: number | undefined
}

export interface Exports extends Component {
  /** Opens the journal: before ingest starts. `start` begins to send: after it, so that it ends before ingest does. */
  open(): Promise<void>
  /** Of ingest: undefined when there are no exports, so that nothing is kept for nobody. */
  readonly journal: Pick<Journal, 'adopt' | 'append'> | undefined
  list(): readonly ExportStatus[]
}

interface Running {
  readonly config: ExportConfig
  readonly tables: readonly string[]
  readonly receiver: Receiver
  readonly counts: ExportCounts
  readonly exporter: Exporter
}

const journalBytesMax = 2 * 1024 ** 3

/** `kinds` are the receivers that there are. Throws `export_wrong`. */
export function createExports(
  config: ExportsConfig,
  deps: ReceiverDeps & {
    readonly ledger: Pick<StageLedger, 'ofExport'>
    readonly kinds: Readonly<Record<ExportKind, ReceiverKind>>
  },
  reporter: Reporter,
): Exports {
  const folder = join(config.dataDir, 'exports')
  const journalFolder = join(folder, 'journal')
  const bytesMax = config.journalBytesMax ?? journalBytesMax
  const journal = createJournal({ folder: journalFolder, bytesMax }, reporter)
  const metrics = createExportMetrics(reporter)
  const wanted = config.exports.map(prepare)
  const twice = wanted.find(
    ({ name }, index) => wanted.findIndex((one) => one.name === name) < index,
  )
  if (twice) {
    const what = 'another one has the same name'
    throw exportError('export_wrong', { details: { name: twice.name, what } })
  }
  const running: Running[] = []

  function prepare(one: ExportConfig) {
    const plans = plansOf(one)
    const kind = deps.kinds[one.kind]
    return { name: one.name, config: one, plans, kind, receiver: kind.create(one, plans, deps) }
  }

  async function open(): Promise<void> {
    if (wanted.length === 0) return rm(folder, { recursive: true, force: true })
    await journal.open()
    journal.listen({ onEntry, onEvicted, onUnwritten })
    for (const one of wanted) running.push(runningOf(one))
  }

  async function start(): Promise<void> {
    for (const { exporter } of running) await exporter.start()
  }

  function runningOf({ name, config, plans, kind, receiver }: (typeof wanted)[number]): Running {
    const { batchRows, timeoutMs, retryMaxMs } = { ...exportDefaults, ...config }
    const tables = plans.map(({ table }) => table.name)
    const counts = createExportCounts(name, deps.ledger.ofExport(name, tables.join(' ')), metrics)
    const gather = createGather(journal, plans, { batchRows, needs: kind.needs })
    const cursorFile = join(folder, `${name}.json`)
    const exporter = createExporter(
      { name, tables, cursorFile, timeoutMs, retryMaxMs },
      { journal, receiver, gather, counts, onMoved: release },
      reporter,
    )
    return { config, tables, receiver, counts, exporter }
  }

  function onEntry(entry: JournalEntry): void {
    for (const { tables, counts, exporter } of running) {
      if (tables.includes(entry.table)) {
        for (const [node, rows] of Object.entries(entry.nodeRows)) {
          counts.enter(node, rows)
          counts.wait(node, rows)
        }
      }
      exporter.wake()
    }
  }

  function onEvicted(entry: JournalEntry): void {
    for (const { exporter } of running) exporter.onEvicted(entry)
  }

  function onUnwritten(segment: JournalSegment): void {
    for (const { tables, counts } of running) {
      if (!tables.includes(segment.table)) continue
      for (const [node, rows] of Object.entries(segment.nodeRows)) {
        counts.enter(node, rows)
        counts.lose(node, rows, 'journal_unwritten')
      }
    }
  }

  function release(): void {
    const done = running.map(({ exporter }) => exporter.state().position?.sequence ?? 0)
    const last = Math.min(...done)
    journal
      .release(last)
      .catch((error) => reporter.log.warn({ err: error }, 'clearing the journal'))
  }

  async function stop(): Promise<void> {
    await Promise.all(running.map(({ exporter }) => exporter.stop()))
  }

  function list(): readonly ExportStatus[] {
    return running.map((one) => statusOf(one, journal))
  }

  const entrance =
    config.exports.length > 0 ? { adopt: journal.adopt, append: journal.append } : undefined
  return { name: 'exports', open, start, stop, journal: entrance, list }
}

function statusOf(
  { config, tables, receiver, counts, exporter }: Running,
  journal: Journal,
): ExportStatus {
  const { position, trouble, lastSuccessMs, lastError } = exporter.state()
  const { sent, filtered, lost, repeated, failures, waiting } = counts.totals()
  const next = journal
    .allAfter(position?.sequence ?? 0)
    .find((entry) => tables.includes(entry.table))
  const isNew = lastSuccessMs === undefined && waiting > 0
  return {
    name: config.name,
    kind: config.kind,
    target: receiver.target,
    tables: [...tables],
    state: trouble !== undefined ? 'retrying' : isNew ? 'starting' : 'ok',
    lag_rows: waiting,
    lag_ms: next ? Math.max(Date.now() - next.writtenMs, 0) : 0,
    rows: sent,
    filtered_rows: filtered,
    lost_rows: lost,
    repeated_rows: repeated,
    failures,
    last_success: lastSuccessMs === undefined ? null : new Date(lastSuccessMs).toISOString(),
    last_error: lastError?.message ?? '',
    last_error_time: lastError ? new Date(lastError.timeMs).toISOString() : null,
  }
}
