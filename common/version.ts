// The one version of Weir: that of its package.

import { readFileSync } from 'node:fs'

/** `0.1.0`. Throws when the package's own file is away. */
export function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
