// The objects that are checked in are what their sources give.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildObject, builds, findCompiler } from './build-kernel.ts'

test('rebuilding gives the same bytes', (t) => {
  const compiler = findCompiler()
  if (compiler === undefined) return t.skip('no clang 14 on this machine')
  const folder = mkdtempSync(join(tmpdir(), 'weir-kernel-'))
  try {
    for (const build of builds) {
      const output = join(folder, 'built.bpf.o')
      buildObject(compiler, build.source, output)
      const same = readFileSync(output).equals(readFileSync(build.output))
      assert.ok(same, `${build.output}: run npm run build:kernel`)
      assert.ok(!readFileSync(output).includes(process.cwd()), 'the folder is not inside')
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
