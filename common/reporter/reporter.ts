// One façade per component for what it says (log), counts (metrics) and how it is (health).
// Hot paths hold the plain numbers of `counter`; they are read when scraped.

import { isatty } from 'node:tty'
import pino from 'pino'
import { createLimitedLog, type LimitedLog } from './limited-log.ts'
import type { Metric, MetricsText } from './metrics-text.ts'
import { terminalLines } from './terminal-lines.ts'

export interface Reporter {
  readonly name: string
  readonly log: pino.Logger
  /** For what can happen again and again: one line per cause and half a minute. */
  readonly limited: LimitedLog
  /** A counter `weir_<component>_<name>`; `cause` becomes its one label. */
  counter(name: string, help: string): CounterHandle
  /** A gauge read from `value` at scrape time. */
  gauge(name: string, help: string, value: () => number): void
  /** Everything counted under this reporter and its children, as Prometheus reads it. */
  metrics(): Promise<MetricsText>
  /** The same log and metrics under the name of a component inside this one. */
  child(name: string): Reporter
}

export interface CounterHandle {
  add(count: number, cause?: string): void
  /** The sum over all causes, or of one. */
  total(cause?: string): number
}

export interface ReporterOptions {
  readonly level?: string
  /** Where log lines go; standard error by default, because standard output belongs to results. */
  readonly destination?: pino.DestinationStream
}

/** A reporter of a process; `child` makes those of its components. */
export function createReporter(name: string, options: ReporterOptions = {}): Reporter {
  const log = pino(
    { name, level: options.level ?? 'info', base: { pid: process.pid } },
    options.destination ?? standardError(),
  )
  return build(name, log, [])
}

/** Standard error, in lines for people when that is a terminal, else in pino's JSON. */
function standardError(): pino.DestinationStream {
  const stream = pino.destination({ dest: 2, sync: true })
  if (!isatty(2)) return stream
  // Whether colours are wanted (NO_COLOR, TERM) Node finds out by itself.
  return terminalLines((line) => stream.write(line), process.stderr.hasColors?.() ?? false)
}

function build(name: string, log: pino.Logger, metrics: Metric[]): Reporter {
  return {
    name,
    log,
    limited: createLimitedLog(log),
    counter: (metric, help) => {
      const totals = new Map<string, number>()
      const values = () => totals
      metrics.push({ kind: 'counter', name: metricName(name, metric), help, values })
      return handleOf(totals)
    },
    gauge: (metric, help, value) => {
      const values = () => new Map([['', value()]])
      metrics.push({ kind: 'gauge', name: metricName(name, metric), help, values })
    },
    // The library is loaded when somebody scrapes: it is a fifth of an agent's memory.
    metrics: async () => (await import('./metrics-text.ts')).metricsText(metrics),
    child: (inner) => build(inner, log.child({ component: inner }), metrics),
  }
}

function handleOf(totals: Map<string, number>): CounterHandle {
  return {
    add: (count, cause = '') => {
      totals.set(cause, (totals.get(cause) ?? 0) + count)
    },
    total: (cause) => {
      if (cause !== undefined) return totals.get(cause) ?? 0
      let sum = 0
      for (const total of totals.values()) sum += total
      return sum
    },
  }
}

function metricName(component: string, metric: string): string {
  return `weir_${component.replaceAll(/[^a-z0-9]+/g, '_')}_${metric}`
}
