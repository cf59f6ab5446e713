// The data folder is moved away under a running `weir up`: said in one line by each process, begun anew, healed.

import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { alive, withRiver } from '../river.ts'
import { serverCase, until, withNamespaces } from '../traffic/mod.ts'
import { whole } from './compare.ts'

test('a data folder that is moved away: one clear line, a new folder, health and API agree again', {
  timeout: 120_000,
}, async () => {
  const parent = mkdtempSync(join(tmpdir(), 'weir-lost-'))
  const data = join(parent, 'data')
  try {
    await withRiver({ data, errors: /ENOENT|is lost: / }, (river) =>
      withNamespaces(2, async (lab) => {
        const rest = await serverCase('alone', 5).begin(lab)
        const [first] = await rest()
        await whole(river, lab, first!)
        const before = (['central', 'storage', 'agent'] as const).map((role) => river.pid(role)!)
        renameSync(data, join(parent, 'moved'))
        await until('the old processes to end', () => before.every((pid) => !alive(pid)), 30_000)
        await until('health', () => isWell(river.base), 30_000)
        await until(
          'the new agent to watch',
          async () => (await river.get('/api/ledger')).rows.length > 0,
          30_000,
        )
        const [last] = await rest()
        assert.equal((await whole(river, lab, last!)).bytes, last!.bytes)
        assert.ok(await isWell(river.base), 'the API answers, and health says otherwise')
        const lines = river.output().split('\n')
        const losses = lines.filter((line) => line.includes('is lost: '))
        assert.equal(losses.length, 2, river.output())
        assert.ok(lines.length < 40, `${lines.length} lines`)
        assert.doesNotMatch(river.output(), /\n\s+at /)
      }),
    )
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
})

async function isWell(base: string): Promise<boolean> {
  const health = await fetch(`${base}/health`).catch(() => undefined)
  return health?.status === 200
}
