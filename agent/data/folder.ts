// Makes a folder with its parents, one by one: mkdirSync's own `recursive` never returns where a parent cannot
// be made in /proc or /sys.

import { existsSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

export function makeFolder(path: string): void {
  const whole = resolve(path)
  if (existsSync(whole)) return
  makeFolder(dirname(whole))
  mkdirSync(whole, { mode: 0o700 })
}
