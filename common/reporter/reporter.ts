// One façade per component for what it says (log), counts (metrics) and how it is (health).
// Hot paths hold the plain numbers of `counter`; they are read when scraped.

import { isatty } from 'node:tty'
import pino from 'pino'
import { type Metrics, metricsOf } from '../exposition/answer.ts'
import { type Family, labelsText, type Series } from '../exposition/family.ts'
import { processFamilies } from '../exposition/process-families.ts'
import { createLimitedLog, type LimitedLog } from './limited-log.ts'
import { terminalLines } from './terminal-lines.ts'

export interface Reporter {
  readonly name: string
  readonly log: pino.Logger
  /** For what can happen again and again: one line per cause and half a minute. */
  readonly limited: LimitedLog
  /** A counter `weir_<component>_<name>`, which ends in `_total`; `cause` becomes its one label. */
  counter(name: string, help: string): CounterHandle
  /** A gauge read from `value` at scrape time. */
  gauge(name: string, help: string, value: () => number): void
  /** Families that a component keeps itself, under their own names. */
  families(source: () => Iterable<Family>): void
  /** Everything counted by this process, in the format that an Accept header prefers. */
  metrics(accept?: string): Promise<Metrics>
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
  return build(name, log, [() => processFamilies(name)])
}

/** Standard error, in lines for people when that is a terminal, else in pino's JSON. */
function standardError(): pino.DestinationStream {
  const stream = pino.destination({ dest: 2, sync: true })
  if (!isatty(2)) return stream
  // Whether colours are wanted (NO_COLOR, TERM) Node finds out by itself.
  return terminalLines((line) => stream.write(line), process.stderr.hasColors?.() ?? false)
}

type FamilySource = () => Iterable<Family>

function build(name: string, log: pino.Logger, sources: FamilySource[]): Reporter {
  const add = (family: Family) => {
    sources.push(() => [family])
  }
  return {
    name,
    log,
    limited: createLimitedLog(log),
    counter: (metric, help) => {
      const totals = new Map<string, Total>()
      const shown = metric.endsWith('_total') ? metric : `${metric}_total`
      add({ name: metricName(name, shown), kind: 'counter', help, series: () => totals.values() })
      return handleOf(totals)
    },
    gauge: (metric, help, value) => {
      const series = () => [{ labels: '', value: value() }]
      add({ name: metricName(name, metric), kind: 'gauge', help, series })
    },
    families: (source) => {
      sources.push(source)
    },
    metrics: async (accept) => metricsOf(allOf(sources), accept),
    child: (inner) => build(inner, log.child({ component: inner }), sources),
  }
}

/** Read anew by each reader. */
function allOf(sources: readonly FamilySource[]): Iterable<Family> {
  return { [Symbol.iterator]: () => familiesOf(sources) }
}

function* familiesOf(sources: readonly FamilySource[]): Generator<Family> {
  for (const source of sources) yield* source()
}

interface Total extends Series {
  value: number
}

function handleOf(totals: Map<string, Total>): CounterHandle {
  return {
    add: (count, cause = '') => {
      const known = totals.get(cause)
      if (known) known.value += count
      else {
        const labels = labelsText([['cause', cause]])
        totals.set(cause, { labels, value: count, createdMs: Date.now() })
      }
    },
    total: (cause) => {
      if (cause !== undefined) return totals.get(cause)?.value ?? 0
      let sum = 0
      for (const { value } of totals.values()) sum += value
      return sum
    },
  }
}

function metricName(component: string, metric: string): string {
  return `weir_${component.replaceAll(/[^a-z0-9]+/g, '_')}_${metric}`
}
