// A real terminal for tests: `script` of util-linux makes a pseudo terminal and runs a command in it.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { widthOf } from '../render/width.ts'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const limitMs = 30_000

/** Why there is no pseudo terminal here; false when there is. */
export const ptyMissing: string | false = existsSync('/usr/bin/script')
  ? false
  : '/usr/bin/script (bsdutils) is not installed'

export interface PtyOptions {
  readonly rows: number
  readonly columns: number
  /** What stands before the program: variables, flags of node. */
  readonly env?: Readonly<Record<string, string>>
  readonly nodeFlags?: readonly string[]
}

export interface Pty {
  /** Everything that the terminal got, in order. */
  readonly text: () => string
  /** Lines of the newest frame without their attributes. */
  readonly frame: () => readonly string[]
  readonly press: (keys: string) => void
  readonly resize: (rows: number, columns: number) => void
  readonly kill: (signal: NodeJS.Signals) => void
  readonly until: (what: string, done: () => boolean) => Promise<void>
  /** Waits for the end: the exit code, and whether lines are edited and echoed as before. */
  readonly ended: () => Promise<{ readonly exitCode: number; readonly isRestored: boolean }>
}

/** Runs `weir ARGS` in a terminal of its own, hands it to `work`, and ends it whatever happens. */
export async function withPty(
  args: readonly string[],
  options: PtyOptions,
  work: (pty: Pty) => Promise<void>,
): Promise<void> {
  const { rows, columns, env = {}, nodeFlags = [] } = options
  const words = [process.execPath, ...nodeFlags, main, ...args].map(quoted).join(' ')
  const variables = Object.entries({ TERM: 'xterm', ...env }).map(
    ([name, value]) => `${name}=${quoted(value)}`,
  )
  const command = `export ${variables.join(' ')}; stty rows ${rows} cols ${columns}; tty; sh -c 'echo pid $$; exec "$0" "$@"' ${words}; echo exit $?; stty -a; echo all said`
  const child = spawn('/usr/bin/script', ['-qfec', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  const found = (pattern: RegExp): string => pattern.exec(text)?.[1] ?? ''
  async function until(what: string, done: () => boolean): Promise<void> {
    const lastMs = Date.now() + limitMs
    while (!done()) {
      if (Date.now() > lastMs)
        throw new Error(
          `${what} did not come; the terminal got ${JSON.stringify(text.slice(-3000))}`,
        )
      await delay(20)
    }
  }
  const pty: Pty = {
    text: () => text,
    frame: () => frameIn(text),
    press: (keys) => child.stdin.write(keys),
    resize: (high, wide) => {
      execFileSync('stty', ['-F', found(/(\/dev\/pts\/\d+)/), 'rows', `${high}`, 'cols', `${wide}`])
    },
    kill: (signal) => process.kill(Number(found(/pid (\d+)/)), signal),
    until,
    ended: async () => {
      await until('the end', () => /exit \d+[\s\S]*all said/.test(text))
      const isRestored = / icanon/.test(text) && /\becho\b/.test(text.replace(/exit \d+/, ''))
      return {
        exitCode: Number(found(/exit (\d+)/)),
        isRestored: isRestored && !/-icanon/.test(text),
      }
    },
  }
  try {
    await until('the program', () => /pid \d+/.test(text))
    await work(pty)
  } finally {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
}

/** The newest whole frame: what follows the last way home that is closed. */
function frameIn(text: string): readonly string[] {
  const frames = text.split('\x1b[H').slice(1)
  const whole = frames.findLast((frame) => frame.includes('\x1b[J')) ?? ''
  return (whole.split('\x1b[J')[0] ?? '').split('\r\n').map(withoutAttributes)
}

/** A line as it looks. */
export function withoutAttributes(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what attributes are
  return line.replaceAll(/\x1b\[[0-9;]*[mK]/g, '').trimEnd()
}

/** The widest line, in columns. */
export function widestOf(lines: readonly string[]): number {
  return Math.max(0, ...lines.map(widthOf))
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
