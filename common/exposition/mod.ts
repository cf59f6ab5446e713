// Metrics in the words of Prometheus: families, their text, an answer to a scrape.

export { type Metrics, type MetricsAnswer, metricsAnswer, metricsOf } from './answer.ts'
export { type Family, type HistogramCounts, labelsText, type Series } from './family.ts'
