// Writes every generated file that is checked in. Tests prove them fresh.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { probeSpecs } from '../kernel/probes/registry.ts'
import { objectPath } from './build-kernel.ts'
import { pages } from './generate-docs.ts'
import { recordLayout } from './kernel-layout.ts'

const home = fileURLToPath(new URL('..', import.meta.url))

/** Path from the top of the tree, and what must stand there. */
export function generatedFiles(): readonly { path: string; text: string }[] {
  return probeSpecs.map((spec) => ({
    path: `kernel/layout/${spec.records.layout}`,
    text: recordLayout(spec, readFileSync(objectPath(spec.name))),
  }))
}

if (import.meta.main) {
  for (const { path, text } of [...generatedFiles(), ...(await pages())]) {
    writeFileSync(join(home, path), text)
    console.log(path)
  }
}
