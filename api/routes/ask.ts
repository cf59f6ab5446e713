// How every question to the store is asked: a bounded number at a time, each ending with its client.

import type { FastifyReply } from 'fastify'
import type { QuestionOptions } from '../../store/query/mod.ts'
import { apiError } from '../errors.ts'

/** Runs one question; its queries end when the client goes away. Throws `busy` beyond the bound. */
export type Ask = <T>(
  reply: FastifyReply,
  question: (options: QuestionOptions) => Promise<T>,
) => Promise<T>

export function createAsk(questionsMax: number, bounds: QuestionOptions = {}): Ask {
  let running = 0
  return async (reply, question) => {
    if (running >= questionsMax) throw apiError('busy', { details: { count: running } })
    const gone = new AbortController()
    const onClose = () => {
      if (!reply.raw.writableFinished) gone.abort()
    }
    reply.raw.once('close', onClose)
    running++
    try {
      return await question({ ...bounds, signal: gone.signal })
    } catch (error) {
      gone.abort()
      throw error
    } finally {
      running--
      reply.raw.off('close', onClose)
    }
  }
}
