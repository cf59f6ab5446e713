// The objects that are checked in are what their sources give.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildProbe, findCompiler, objectPath, probes } from './build-kernel.ts'

test('rebuilding gives the same bytes', (t) => {
  const compiler = findCompiler()
  if (compiler === undefined) return t.skip('no clang 14 on this machine')
  const folder = mkdtempSync(join(tmpdir(), 'weir-kernel-'))
  try {
    for (const probe of probes) {
      const output = join(folder, `${probe}.bpf.o`)
      buildProbe(compiler, probe, output)
      const same = readFileSync(output).equals(readFileSync(objectPath(probe)))
      assert.ok(same, `${probe}: run npm run build:kernel`)
      assert.ok(!readFileSync(output).includes(process.cwd()), 'the folder is not inside')
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
