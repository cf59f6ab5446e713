// Logs and metrics. Apart from common/mod.ts, because threads that never report need not load the libraries.

export type { LimitedLog } from './limited-log.ts'
export {
  type CounterHandle,
  createReporter,
  type Reporter,
  type ReporterOptions,
} from './reporter.ts'
