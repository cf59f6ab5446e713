// Metrics in the text form of Prometheus, by its own client library.

import { Counter, Gauge, Registry } from 'prom-client'

/** What a scrape answers. */
export interface MetricsText {
  readonly contentType: string
  readonly text: string
}

/** One metric as it is counted: plain numbers by cause, '' for none. */
export interface Metric {
  readonly kind: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly values: () => ReadonlyMap<string, number>
}

export async function metricsText(metrics: readonly Metric[]): Promise<MetricsText> {
  const registry = new Registry()
  for (const { kind, name, help, values } of metrics) {
    const options = { name, help, labelNames: ['cause'], registers: [registry] }
    const shown = kind === 'counter' ? new Counter(options) : new Gauge(options)
    for (const [cause, value] of values()) shown.inc(cause === '' ? {} : { cause }, value)
  }
  return { contentType: registry.contentType, text: await registry.metrics() }
}
