// What the agent's main thread and the thread that owns the probes say to each other.

import type { ProbeOptions, ProgramReport, ProgramState } from '../../kernel/mod.ts'
import type { SourceReport } from './collector.ts'

export type WorkerData = ProbeOptions

/** An AppError, taken apart: classes do not travel between threads. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly status: number
  readonly exitCode: number
  readonly remedy: string
}

/** A probe that is not open, and why. */
export interface FailedProbe extends Failure {
  readonly probe: string
}

/** A probe that is open, with its programs. */
export interface RunningProbe {
  readonly probe: string
  readonly programs: readonly ProgramReport[]
}

/** What all sources say at one instant, in the order of the registry. */
export interface SnapshotReport {
  readonly bootToWallNs: bigint
  readonly sources: readonly SourceReport[]
  /** Every program of every probe, with a complete snapshot; else empty. */
  readonly programs: readonly ProgramState[]
}

export type ToWorker =
  | { readonly type: 'snapshot'; readonly complete: boolean }
  | { readonly type: 'recycle'; readonly source: string; readonly buffer: ArrayBuffer }
  | { readonly type: 'stop' }

export type FromWorker =
  | {
      readonly type: 'ready'
      readonly running: readonly RunningProbe[]
      readonly failed: readonly FailedProbe[]
    }
  /** No probe is open. */
  | (Failure & { readonly type: 'failed' })
  | {
      readonly type: 'records'
      readonly source: string
      readonly buffer: ArrayBuffer
      readonly records: number
    }
  | { readonly type: 'snapshot'; readonly report: SnapshotReport }
