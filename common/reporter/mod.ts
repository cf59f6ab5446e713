// Logs and metrics. Apart from common/mod.ts, because threads that never report need not load the libraries.

export {
  type CounterHandle,
  createReporter,
  type MetricsText,
  type Reporter,
  type ReporterOptions,
} from './reporter.ts'
