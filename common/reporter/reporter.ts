// One façade per component for what it says (log), counts (metrics) and how it is (health).
// Hot paths hold the plain numbers of `counter`; the registry reads them when scraped.

import pino from 'pino'
import { Counter, Gauge, Registry } from 'prom-client'

/** Log, metrics and name of one component. */
export interface Reporter {
  readonly name: string
  readonly log: pino.Logger
  readonly registry: Registry
  /** A counter `weir_<component>_<name>`; `cause` becomes its one label. */
  counter(name: string, help: string): CounterHandle
  /** A gauge read from `value` at scrape time. */
  gauge(name: string, help: string, value: () => number): void
  /** The same log and registry under the name of a component inside this one. */
  child(name: string): Reporter
}

/** A counter that costs a map entry per cause and no metric call until scraped. */
export interface CounterHandle {
  add(count: number, cause?: string): void
  /** The sum over all causes, or of one. */
  total(cause?: string): number
}

/** `level` is one of pino's, `info` by default. */
export interface ReporterOptions {
  readonly level?: string
  /** Where log lines go; standard error by default, because standard output belongs to results. */
  readonly destination?: pino.DestinationStream
}

/** The root reporter of a process; components get theirs by `child`. */
export function createReporter(name: string, options: ReporterOptions = {}): Reporter {
  const log = pino(
    { name, level: options.level ?? 'info', base: { pid: process.pid } },
    options.destination ?? pino.destination({ dest: 2, sync: true }),
  )
  return build(name, log, new Registry())
}

function build(name: string, log: pino.Logger, registry: Registry): Reporter {
  return {
    name,
    log,
    registry,
    counter: (metric, help) => counter(registry, metricName(name, metric), help),
    gauge: (metric, help, value) => {
      const options = { name: metricName(name, metric), help, registers: [registry] }
      new Gauge({
        ...options,
        collect() {
          this.set(value())
        },
      })
    },
    child: (inner) => build(inner, log.child({ component: inner }), registry),
  }
}

function counter(registry: Registry, name: string, help: string): CounterHandle {
  const totals = new Map<string, number>()
  new Counter({
    name,
    help,
    labelNames: ['cause'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [cause, total] of totals) this.inc(cause === '' ? {} : { cause }, total)
    },
  })
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
