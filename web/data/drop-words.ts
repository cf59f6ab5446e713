// The kernel's reasons for drops in plain words, as the server has them.

import { useMemo } from 'preact/hooks'
import { useAnswer } from './answer.ts'
import type { DropReasonsAnswer, DropWords } from './contract.ts'

export type WordsByReason = ReadonlyMap<string, DropWords>

/** By the kernel's name; undefined before the answer is here. */
export function useDropWords(): WordsByReason | undefined {
  const { data } = useAnswer<DropReasonsAnswer>('/api/drop-reasons', undefined)
  return useMemo(() => data && new Map(data.rows.map((words) => [words.reason, words])), [data])
}
