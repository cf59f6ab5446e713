// The process entry of every `weir` command: standard streams, signals, exit code; nothing else.

import { realpathSync } from 'node:fs'
import { delimiter, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Terminal } from './commands/command.ts'
import { commandLineOf } from './other-names.ts'
import { runCommandLine } from './run.ts'
import { ttyScreen } from './screen/tty.ts'

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
  screen: env['TERM'] === 'dumb' ? undefined : ttyScreen(),
  progress: process.stderr.isTTY,
  now: Date.now,
  configFile: '/etc/weir/weir.yaml',
  runtimeFolders: runtimeFolders(env['XDG_RUNTIME_DIR']),
  program: programOf(fileURLToPath(new URL('../bin/weir', import.meta.url)), env['PATH'] ?? ''),
  interrupted,
}

const { args, all } = commandLineOf(env['WEIR_PROGRAM'], process.argv.slice(2), env)
const exitCode = await runCommandLine(args, env, terminal, all)
// Connections kept open for a next question must not delay the end; output must not be cut off.
process.stdout.write('', () => process.exit(exitCode))

/** Root's centrals tell all users where they are, a user's own tells this user. */
function runtimeFolders(own: string | undefined): readonly string[] {
  const shared = '/run/weir'
  if (process.getuid?.() === 0) return [shared]
  return own === undefined ? [shared] : [join(own, 'weir'), shared]
}

/** `weir` when the PATH finds this very file, else how the file is reached from here. */
function programOf(file: string, path: string): string {
  const isOnPath = path.split(delimiter).some((folder) => isSameFile(join(folder, 'weir'), file))
  if (isOnPath) return 'weir'
  const fromHere = relative(process.cwd(), file)
  return fromHere.startsWith('..') ? file : fromHere
}

function isSameFile(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other)
  } catch {
    return false
  }
}

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
