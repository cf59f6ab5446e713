// The data folder as every process sees it: made with its parents, and watched, because a process whose folder
// was deleted, moved or unmounted would write where nobody looks.

import { existsSync, mkdirSync, type Stats, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Component } from '../lifecycle/lifecycle.ts'

/**
 * Makes a folder with its parents, one by one, for its owner alone; throws the error of mkdir(2). The `recursive`
 * of mkdirSync never returns when a parent cannot be made in /proc or /sys.
 */
export function makeFolder(path: string): void {
  const whole = resolve(path)
  if (existsSync(whole)) return
  makeFolder(dirname(whole))
  try {
    mkdirSync(whole, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Settings of `createFolderWatch`; `everyMs` is how often the folder is looked at, 1000 by default. */
export interface FolderWatchOptions {
  /** Called once, with the reason in words. */
  readonly onLost: (reason: string) => void
  readonly everyMs?: number
}

export interface FolderWatch extends Component {
  /** Looks now: before an error is explained by what it is not. */
  look(): void
}

/** Looks whether `path` is still the folder that it was at the start: the same inode of the same device. */
export function createFolderWatch(path: string, options: FolderWatchOptions): FolderWatch {
  const { onLost, everyMs = 1000 } = options
  let timer: NodeJS.Timeout | undefined
  let begin: Stats | undefined

  function look(): void {
    const reason = begin && lossOf(path, begin)
    if (reason === undefined) return
    begin = undefined
    clearInterval(timer)
    onLost(reason)
  }

  function start(): void {
    begin = statSync(path)
    timer = setInterval(look, everyMs)
    timer.unref()
  }

  return { name: 'folder-watch', start, stop: () => clearInterval(timer), look }
}

/** A question that the system cannot answer now (EIO, ESTALE) is not a loss: the writes will say it. */
function lossOf(path: string, begin: Stats): string | undefined {
  try {
    const { dev, ino } = statSync(path)
    if (dev === begin.dev && ino === begin.ino) return undefined
    return 'another folder is in its place'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'it was deleted or moved' : undefined
  }
}
