// Which probes run anywhere: without the probe that sees a thing, "none" would be a lie.

import type { PageState } from '../domain/location.ts'
import { useAnswer } from './answer.ts'
import type { ProgramsAnswer } from './contract.ts'

/** Whether a node reported a ready program of the probe in the range; undefined while that is not known. */
export function useProbe(probe: string, state: PageState): boolean | undefined {
  const query = new URLSearchParams({ from: state.from, to: state.to, probe })
  const { data } = useAnswer<ProgramsAnswer>(`/api/programs?${query}`, undefined)
  return data?.rows.some((row) => row['state'] === 'ready')
}
