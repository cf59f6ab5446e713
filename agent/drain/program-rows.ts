// The programs of a snapshot as rows for central.

import type { ProgramState } from '../../kernel/mod.ts'
import { appendRow, type Batch, createBatch, programTable } from '../../wire/mod.ts'

/** Undefined if there are none; `time` in nanoseconds since 1970. */
export function programRows(
  programs: readonly ProgramState[],
  node: string,
  time: bigint,
): Batch | undefined {
  if (programs.length === 0) return undefined
  const batch = createBatch(programTable, programs.length)
  for (const { id, runTimeNs, mapBytes, ...same } of programs) {
    appendRow(batch, {
      ...same,
      node,
      time,
      program_id: id,
      run_time_ns: runTimeNs,
      map_bytes: mapBytes,
    })
  }
  return batch
}
