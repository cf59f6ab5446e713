// Writes every generated file that is checked in. Tests prove them fresh.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { objectPath } from './build-kernel.ts'
import { pages } from './generate-docs.ts'
import { socketRecordLayout } from './kernel-layout.ts'

const home = fileURLToPath(new URL('..', import.meta.url))

/** Path from the top of the tree, and what must stand there. */
export function generatedFiles(): readonly { path: string; text: string }[] {
  return [
    {
      path: 'kernel/layout/socket-record.ts',
      text: socketRecordLayout(readFileSync(objectPath('socket'))),
    },
  ]
}

if (import.meta.main) {
  for (const { path, text } of [...generatedFiles(), ...(await pages())]) {
    writeFileSync(join(home, path), text)
    console.log(path)
  }
}
