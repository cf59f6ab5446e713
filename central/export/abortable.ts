// Receivers whose client does not take a signal: the wait ends, whatever becomes of the client.

import { exportError } from './errors.ts'

/** What `work` gives; throws AppError export_away when the signal comes first. The client is then to be closed. */
export async function abortable<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const abort = () =>
    late.reject(exportError('export_away', { details: { what: 'no answer in time' } }))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work(), late.promise])
  } finally {
    signal.removeEventListener('abort', abort)
    late.promise.catch(() => undefined)
  }
}
