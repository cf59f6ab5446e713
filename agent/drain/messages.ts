// What the agent's main thread and the thread that owns the probe say to each other.

import type { ProgramReport, SocketProbeOptions } from '../../kernel/mod.ts'
import type { SnapshotReport } from './collector.ts'

export type WorkerData = SocketProbeOptions

export type ToWorker =
  | { readonly type: 'snapshot'; readonly complete: boolean }
  | { readonly type: 'recycle'; readonly buffer: ArrayBuffer }
  | { readonly type: 'stop' }

export type FromWorker =
  | { readonly type: 'ready'; readonly programs: readonly ProgramReport[] }
  /** An AppError, taken apart: classes do not travel between threads. */
  | {
      readonly type: 'failed'
      readonly code: string
      readonly message: string
      readonly status: number
      readonly exitCode: number
      readonly remedy: string
    }
  | { readonly type: 'records'; readonly buffer: ArrayBuffer; readonly records: number }
  | { readonly type: 'snapshot'; readonly report: SnapshotReport }
