// A folder that lives as long as a test.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A test function that gets an empty folder, removed afterwards. */
export function inFolder(run: (folder: string) => void): () => void {
  return () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-spool-'))
    try {
      run(folder)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
