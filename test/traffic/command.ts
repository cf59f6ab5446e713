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
