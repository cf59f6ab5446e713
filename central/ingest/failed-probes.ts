// The probes that an agent could not open, in its report of all programs.

import { type BlockView, readBlock, rowOf } from '../../wire/mod.ts'

export interface FailedProbe {
  readonly probe: string
  readonly reason: string
}

/** Of a frame of the table of programs; a probe that failed has failed with each of its programs. */
export function failedProbesOf(view: BlockView): readonly FailedProbe[] {
  const programs = readBlock(view, ['probe', 'state', 'reason'])
  const reasons = new Map<string, string>()
  for (let index = 0; index < programs.length; index++) {
    const row = rowOf(programs, index)
    if (row['state'] === 'failed') reasons.set(String(row['probe']), String(row['reason']))
  }
  return Array.from(reasons, ([probe, reason]) => ({ probe, reason }))
}
