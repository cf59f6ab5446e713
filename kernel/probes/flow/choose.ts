// Which interfaces `--interface` means: names and globs, `all`, and with ! before them what is left out.

import { matchesGlob } from 'node:path'

/** True if one of the patterns means it and none leaves it out. Exclusions alone leave out of all. */
export function chosen(name: string, patterns: readonly string[]): boolean {
  const wanted = patterns.filter((pattern) => !pattern.startsWith('!'))
  const excluded = patterns.filter((pattern) => pattern.startsWith('!')).map((one) => one.slice(1))
  if (excluded.some((pattern) => means(pattern, name))) return false
  return wanted.length === 0 || wanted.some((pattern) => means(pattern, name))
}

function means(pattern: string, name: string): boolean {
  return pattern === 'all' || pattern === name || matchesGlob(name, pattern)
}
