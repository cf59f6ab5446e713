// How every question to the store is asked: a bounded number at a time, in a bounded memory until its client
// has the answer, each ending with its client, and not at all when the client has the answer already.

import type { FastifyReply } from 'fastify'
import type { Reporter } from '../../common/mod.ts'
import type { QuestionOptions } from '../../store/query/mod.ts'
import { type Budget, createBudget, type Share } from '../answer/budget.ts'
import { holdUntilTaken } from '../answer/hold.ts'
import { isKnown, tagOf } from '../answer/tag.ts'
import { apiError } from '../errors.ts'

/**
 * Runs one question of at most `rowsMax` rows; its queries end when the client goes away. Throws `busy` beyond
 * the number of questions, `readers_slow` when answers that nobody takes leave no memory.
 */
export type Ask = <T>(
  reply: FastifyReply,
  question: (options: QuestionOptions) => Promise<T>,
  rowsMax?: number,
) => Promise<T>

export interface AskConfig {
  readonly questionsMax: number
  readonly bounds: QuestionOptions
  /** Octets of all answers of more than 1000 rows, and of all others. */
  readonly largeBytesMax: number
  readonly smallBytesMax: number
  /** How long a question waits for its part of that. */
  readonly waitMs: number
  /** A client that takes nothing for so long is cut off. */
  readonly stallMs: number
}

export interface AskDeps {
  /** Resolves when what came before the question can be read. */
  readonly fresh: () => Promise<void>
  /** Changes with every change of the rows; undefined when the store cannot tell. */
  readonly revision: () => string | undefined
  readonly nowNs: () => bigint
}

/** Rows above which an answer is large: those wait for each other, and nobody else for them. */
const smallRowsMax = 1000
/** What a flow row takes while it is read and made JSON: text, objects, text again. The answer then holds its own octets. */
const rowBytes = 9000
const fewRows = 100

export function createAsk(config: AskConfig, deps: AskDeps, reporter: Reporter): Ask {
  const waits = { waitingMax: 256, waitMs: config.waitMs }
  const large = createBudget({ bytesMax: config.largeBytesMax, ...waits })
  const small = createBudget({ bytesMax: config.smallBytesMax, ...waits })
  const refused = reporter.counter(
    'answers_refused',
    'Questions turned away because answers that wait for their readers fill the memory.',
  )
  const stalled = reporter.counter('readers_cut', 'Clients cut off that took nothing of an answer.')
  const held = () => large.heldBytes() + small.heldBytes()
  reporter.gauge('answer_bytes', 'Memory of answers under way, as reserved and held.', held)
  reporter.gauge('answers_waiting', 'Questions that wait for memory.', () => {
    return large.waiting() + small.waiting()
  })
  let running = 0

  return async (reply, question, rowsMax = fewRows) => {
    // First: it may insert rows, and questions that ask the same share an answer only within one revision.
    await deps.fresh()
    const tag = tagged(reply)
    if (tag && isKnown(reply.request, tag))
      return reply.code(304).header('etag', tag).send() as never
    const gone = new AbortController()
    const onClose = () => {
      if (!reply.raw.writableFinished) gone.abort()
    }
    reply.raw.once('close', onClose)
    const share = await reserve(rowsMax > smallRowsMax ? large : small, rowsMax, gone.signal)
    try {
      const answer = await counted(() => question({ ...config.bounds, signal: gone.signal }))
      if (tag) reply.header('etag', tag)
      holdUntilTaken(reply, share, config.stallMs, () => stalled.add(1))
      return answer
    } catch (error) {
      share.release()
      gone.abort()
      throw error
    } finally {
      reply.raw.off('close', onClose)
    }
  }

  async function reserve(budget: Budget, rows: number, signal: AbortSignal): Promise<Share> {
    const share = await budget.enter(rows * rowBytes, signal)
    if (share) return share
    refused.add(1)
    throw apiError('readers_slow')
  }

  async function counted<T>(run: () => Promise<T>): Promise<T> {
    if (running >= config.questionsMax) throw apiError('busy', { details: { count: running } })
    running++
    try {
      return await run()
    } finally {
      running--
    }
  }

  function tagged(reply: FastifyReply): string | undefined {
    const revision = deps.revision()
    return revision === undefined ? undefined : tagOf(reply.request, revision, deps.nowNs())
  }
}
