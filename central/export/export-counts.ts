// What an export counts: in the ledger per node, in the metrics and for `weir exports` in all.

import type { Reporter } from '../../common/mod.ts'
import type { CauseOf } from '../../wire/mod.ts'
import type { ExportLine } from '../ingest/stage-ledger.ts'

export interface ExportTotals {
  entered: number
  sent: number
  filtered: number
  lost: number
  /** Sent a second time, because nobody knows what became of the first. */
  repeated: number
  failures: number
  waiting: number
}

export interface ExportCounts {
  enter(node: string, rows: number): void
  leave(node: string, rows: number): void
  leaveOut(node: string, rows: number): void
  lose(node: string, rows: number, cause: CauseOf<'export'>): void
  wait(node: string, rows: number): void
  repeat(rows: number): void
  fail(): void
  totals(): Readonly<ExportTotals>
}

/** Of all exports of a process: one family of each kind. */
export interface ExportMetrics {
  rows(name: string, rows: number): void
  lost(name: string, rows: number): void
  repeated(name: string, rows: number): void
  failures(name: string): void
}

export function createExportMetrics(reporter: Reporter): ExportMetrics {
  const rows = reporter.counter('rows_total', 'Rows that receivers have taken, by export')
  const lost = reporter.counter('lost_rows_total', 'Rows that a receiver will never get, by export')
  const repeated = reporter.counter('repeated_rows_total', 'Rows sent a second time, by export')
  const failures = reporter.counter(
    'failures_total',
    'Tries that a receiver did not take, by export',
  )
  return {
    rows: (name, count) => rows.add(count, name),
    lost: (name, count) => lost.add(count, name),
    repeated: (name, count) => repeated.add(count, name),
    failures: (name) => failures.add(1, name),
  }
}

export function createExportCounts(
  name: string,
  line: ExportLine,
  metrics: ExportMetrics,
): ExportCounts {
  const totals: ExportTotals = {
    entered: 0,
    sent: 0,
    filtered: 0,
    lost: 0,
    repeated: 0,
    failures: 0,
    waiting: 0,
  }
  return {
    enter: (node, rows) => {
      line.count(node, 'entered', rows)
      totals.entered += rows
    },
    leave: (node, rows) => {
      line.count(node, 'left', rows)
      totals.sent += rows
      metrics.rows(name, rows)
    },
    leaveOut: (node, rows) => {
      line.leaveOut(node, rows, 'export_filter')
      totals.filtered += rows
    },
    lose: (node, rows, cause) => {
      line.lose(node, rows, cause)
      totals.lost += rows
      metrics.lost(name, rows)
    },
    wait: (node, rows) => {
      line.wait(node, rows)
      totals.waiting += rows
    },
    repeat: (rows) => {
      totals.repeated += rows
      metrics.repeated(name, rows)
    },
    fail: () => {
      totals.failures++
      metrics.failures(name)
    },
    totals: () => totals,
  }
}
