// A bar on standard error while a command watches; silent when that is not a screen.

import type { Terminal } from '../commands/command.ts'

const bars = 20

export interface Progress {
  readonly show: () => void
  /** Takes the bar away, so that results stand alone. */
  readonly clear: () => void
}

export function createProgress(terminal: Terminal, spanMs: number): Progress {
  const startedMs = terminal.now()
  if (!terminal.progress) return { show: () => {}, clear: () => {} }
  return {
    show: () => {
      const share = Math.min(1, (terminal.now() - startedMs) / spanMs)
      const done = Math.round(share * bars)
      const left = Math.ceil(((1 - share) * spanMs) / 1000)
      const bar = '█'.repeat(done) + '░'.repeat(bars - done)
      terminal.err.write(`\r\x1b[2Kwatching ${bar} ${left} s left`)
    },
    clear: () => terminal.err.write('\r\x1b[2K'),
  }
}
