// Log lines of what can happen again and again: one line per cause and interval, with the count of those left out.

import type pino from 'pino'

export interface LimitedLog {
  /** `cause` is a word of the code, never a text from outside: each one is remembered. */
  warn(cause: string, fields: object, message: string): void
  error(cause: string, fields: object, message: string): void
  /** The trouble is over: said in one line if it was said at all, and the next one is said at once. */
  over(cause: string, message: string): void
}

interface Said {
  untilMs: number
  suppressed: number
}

const everyMs = 30_000

export function createLimitedLog(
  log: Pick<pino.Logger, 'warn' | 'error' | 'info'>,
  nowMs: () => number = () => performance.now(),
): LimitedLog {
  const causes = new Map<string, Said>()

  function say(level: 'warn' | 'error', cause: string, fields: object, message: string): void {
    const said = causes.get(cause)
    if (said && nowMs() < said.untilMs) {
      said.suppressed++
      return
    }
    log[level](said?.suppressed ? { ...fields, suppressed: said.suppressed } : fields, message)
    causes.set(cause, { untilMs: nowMs() + everyMs, suppressed: 0 })
  }

  function over(cause: string, message: string): void {
    const said = causes.get(cause)
    if (!said) return
    causes.delete(cause)
    log.info(said.suppressed > 0 ? { suppressed: said.suppressed } : {}, message)
  }

  return {
    warn: (cause, fields, message) => say('warn', cause, fields, message),
    error: (cause, fields, message) => say('error', cause, fields, message),
    over,
  }
}
