// .ci/run adds up what the suites say. Here npm is a script that says what the test wants.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ci = fileURLToPath(new URL('../.ci/run', import.meta.url))

interface Suite {
  readonly says: string
  readonly code: number
}

/** The last line and the exit code of .ci/run when the suites end so. */
function runWith(main: Suite, kernels: Suite) {
  const folder = mkdtempSync(join(tmpdir(), 'weir-ci-'))
  try {
    const say = ({ says, code }: Suite) => `cat <<'EOF'\n${says}\nEOF\nexit ${code}`
    const npm = `#!/bin/sh\nif [ "$1" = test ]; then\n${say(main)}\nfi\n${say(kernels)}\n`
    writeFileSync(join(folder, 'npm'), npm, { mode: 0o755 })
    const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` }
    const { status, stdout } = spawnSync(ci, { env, encoding: 'utf8', timeout: 20_000 })
    return { last: stdout.trimEnd().split('\n').at(-1), status }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const files = 'ok  kernel/a.native.test.ts: 3 passed, 0 failed, 1 skipped in 2.0 s'

test('one skipped test does not drop the whole suite from the sum', () => {
  const main = { says: `${files}\n568 passed, 0 failed, 1 skipped`, code: 0 }
  const kernels = { says: '190 passed, 0 failed', code: 0 }
  const { last, status } = runWith(main, kernels)
  assert.deepEqual([last, status], ['758 passed, 0 failed, 1 skipped', 0])
})

test('kernels that cannot be had are skipped, in the last line', () => {
  const main = { says: `${files}\n568 passed, 0 failed`, code: 0 }
  const kernels = { says: '0 passed, 0 failed, 3 skipped', code: 0 }
  const { last, status } = runWith(main, kernels)
  assert.deepEqual([last, status], ['568 passed, 0 failed, 3 skipped', 0])
})

test('a failure in either suite fails the whole', () => {
  const good = { says: '5 passed, 0 failed, 1 skipped', code: 0 }
  const bad = { says: '4 passed, 2 failed', code: 1 }
  for (const pair of [[good, bad] as const, [bad, good] as const]) {
    const { last, status } = runWith(...pair)
    assert.deepEqual([last, status], ['9 passed, 2 failed, 1 skipped', 1])
  }
})

test('a suite that ends without its result fails the whole', () => {
  const good = { says: '5 passed, 0 failed', code: 0 }
  assert.equal(runWith(good, { says: 'nothing to say', code: 0 }).status, 1)
})
