// The process entry of every `weir` command: standard streams, signals, exit code; nothing else.

import type { Terminal } from './commands/command.ts'
import { runCommandLine } from './run.ts'

const graceMs = 400

// A reader that has seen enough (head, a pager) closes the pipe: that is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 74)
  })
}

const { env } = process
const terminal: Terminal = {
  out: process.stdout,
  err: process.stderr,
  columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  color: process.stderr.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
  progress: process.stderr.isTTY,
  now: Date.now,
  interrupted,
}

const exitCode = await runCommandLine(process.argv.slice(2), env, terminal)
// Connections kept open for a next question must not delay the end; output must not be cut off.
process.stdout.write('', () => process.exit(exitCode))

/** The command ends by itself on the first signal; if it does not within the grace, or on a second, we do. */
function interrupted(): AbortSignal {
  const controller = new AbortController()
  for (const [name, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(code)
      controller.abort()
      setTimeout(() => process.exit(code), graceMs).unref()
    })
  }
  return controller.signal
}
