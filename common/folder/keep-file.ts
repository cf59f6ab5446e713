// Small files that are made once and stay: identities, keys.

import { readFileSync, renameSync, writeFileSync } from 'node:fs'

/** The file's octets, or undefined when it cannot be read. */
export function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}

/** Writes the whole file or nothing, readable by its owner alone. */
export function writeWhole(path: string, octets: Uint8Array): void {
  writeFileSync(`${path}.tmp`, octets, { mode: 0o600 })
  renameSync(`${path}.tmp`, path)
}

/** What is in the file when it is good, else what `make` gives, which is then in the file. */
export function keepFile(
  path: string,
  isGood: (octets: Buffer) => boolean,
  make: () => Buffer,
): Buffer {
  const known = readIfThere(path)
  if (known && isGood(known)) return known
  const fresh = make()
  writeWhole(path, fresh)
  return fresh
}
