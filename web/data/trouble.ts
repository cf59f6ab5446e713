// Questions that get no answer: said once for the whole page, not by each panel that waits.

import { createCell } from './cell.ts'
import { type Failure, lastAnswerMs } from './request.ts'

export interface Trouble {
  readonly failure: Failure
  /** When the server last answered anything, by its clock; when the trouble began, if it never did. */
  readonly sinceMs: number
  /** When the question is asked again, by the browser's clock. */
  readonly retryAtMs: number
}

/** The trouble of now; undefined when all questions are answered. */
export const trouble$ = createCell<Trouble | undefined>(undefined)

const failing = new Map<object, Trouble>()

/** A question of `who` failed and is asked again at `retryAtMs`. */
export function reportTrouble(who: object, failure: Failure, retryAtMs: number): void {
  const sinceMs = failing.get(who)?.sinceMs ?? lastAnswerMs()
  failing.set(who, { failure, sinceMs, retryAtMs })
  choose()
}

/** `who` has an answer, or asks no longer. */
export function endTrouble(who: object): void {
  if (failing.delete(who)) choose()
}

/** Whether the server cannot be reached at all. */
export function isCut(trouble: Trouble | undefined): boolean {
  return trouble?.failure.code === 'UNREACHABLE'
}

function choose(): void {
  const all = [...failing.values()]
  trouble$.set(all.find(isCut) ?? all[0])
}
