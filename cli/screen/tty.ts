// The terminal as a screen to draw on: keys come raw, and however the process ends the shell gets its terminal back.

import { writeSync } from 'node:fs'
import type { Screen } from '../commands/command.ts'

/** Alternate screen, no cursor; and back, with plain colours. */
const enter = '\x1b[?1049h\x1b[?25l'
const leave = '\x1b[0m\x1b[?25h\x1b[?1049l'

/** Undefined unless both input and output are terminals. */
export function ttyScreen({ stdin, stdout }: NodeJS.Process = process): Screen | undefined {
  if (!stdin.isTTY || !stdout.isTTY) return undefined
  let isOpen = false

  /** Synchronous: at the end of a process nothing else is written any more. */
  function restore(): void {
    if (!isOpen) return
    isOpen = false
    try {
      if (stdin.isTTY) stdin.setRawMode(false)
      writeSync(stdout.fd, leave)
    } catch {
      // The terminal is gone: nobody is left to restore it for.
    }
  }

  function show(): void {
    isOpen = true
    stdin.setRawMode(true)
    stdin.resume()
    stdout.write(enter)
  }

  /** Ctrl-Z: the shell has its terminal while we are stopped. */
  function suspend(continued: () => void): void {
    restore()
    process.once('SIGCONT', () => {
      show()
      continued()
    })
    process.kill(process.pid, 'SIGTSTP')
  }

  function open(pressed: (text: string) => void, resized: () => void): () => void {
    const hangUp = () => process.exit(129)
    const onData = (data: Buffer) => pressed(data.toString('utf8'))
    process.on('exit', restore)
    // The stack of a crash is written before the event `exit`.
    process.on('uncaughtExceptionMonitor', restore)
    process.on('SIGHUP', hangUp)
    stdin.on('data', onData)
    stdout.on('resize', resized)
    show()
    return () => {
      restore()
      stdin.off('data', onData)
      stdin.pause()
      stdout.off('resize', resized)
      process.off('exit', restore)
      process.off('uncaughtExceptionMonitor', restore)
      process.off('SIGHUP', hangUp)
    }
  }

  return {
    size: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }),
    open,
    suspend,
    draw: (lines) => {
      if (isOpen) stdout.write(frameText(lines))
    },
  }
}

/** Every line in its place, what was behind it wiped: no flicker, and nothing left of a longer frame. */
export function frameText(lines: readonly string[]): string {
  return `\x1b[H${lines.map((line) => `${line}\x1b[0m\x1b[K`).join('\r\n')}\x1b[J`
}
