// Runs the system's own tools (ip, nft, ss, nsenter) and gives their output, or their words when they refuse.

import { execFile } from 'node:child_process'

export interface CommandOptions {
  readonly input?: string
  readonly timeoutMs?: number
}

/** Standard output of a program; rejects with its standard error when it ends with another code than 0. */
export function command(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const limits = { timeout: options.timeoutMs ?? 60_000, maxBuffer: 256 * 1024 * 1024 }
    const child = execFile(file, args, limits, (error, stdout, stderr) => {
      if (error) reject(new Error(`running ${file} ${args.join(' ')}: ${stderr || error.message}`))
      else resolve(stdout)
    })
    child.stdin?.on('error', () => {}) // A program that does not read its input says why itself.
    child.stdin?.end(options.input ?? '')
  })
}

/** Waits until `look` gives something else than undefined or false; the limit is an error naming what was awaited. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  limitMs = 60_000,
): Promise<T> {
  const deadline = performance.now() + limitMs
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 2, 200)) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline)
      throw new Error(`waiting for ${what}: not within ${limitMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}
