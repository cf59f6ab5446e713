// The base layer: what every stage needs and no stage owns. It imports nothing of ours.

export { createSlotIndex, type SlotIndex } from './collections/slot-index.ts'
export {
  AppError,
  type ErrorOptions,
  type ErrorRow,
  type ErrorTable,
  errorsOf,
  messageOf,
} from './errors/app-error.ts'
export {
  createFolderWatch,
  type FolderWatch,
  type FolderWatchOptions,
  makeFolder,
} from './folder/folder.ts'
export { keepFile, readIfThere, writeWhole } from './folder/keep-file.ts'
export { endOfProcess } from './lifecycle/end-of-process.ts'
export {
  type Component,
  createLifecycle,
  type Lifecycle,
  type LifecycleOptions,
  runUntilSignal,
} from './lifecycle/lifecycle.ts'
export type { CounterHandle, Reporter, ReporterOptions } from './reporter/reporter.ts'
export { durationNs, parseDurationMs, rfc3339 } from './time/duration.ts'
export { parseInstant } from './time/instant.ts'
export { type MomentClock, momentMs } from './time/moment.ts'
export { readVersion } from './version.ts'
export { editsBetween, nearestName, nearestNames } from './words/nearest.ts'
