// The data folder fills up: said clearly, the API goes on answering, and it heals when there is room again.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { withRiver } from '../river.ts'
import { command, serverCase, until, withNamespaces } from '../traffic/mod.ts'
import { whole } from './compare.ts'

/** A file system of 96 MB of its own. */
async function withSmallDisk(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-disk-'))
  await command('mount', ['-t', 'tmpfs', '-o', 'size=96m,mode=700', 'tmpfs', folder])
  try {
    await work(folder)
  } finally {
    await command('umount', ['-l', folder])
    rmSync(folder, { recursive: true, force: true })
  }
}

function fill(folder: string): void {
  const part = Buffer.alloc(65_536)
  try {
    for (;;) writeFileSync(join(folder, 'ballast'), part, { flag: 'a' })
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
  }
}

interface Health {
  readonly status: string
  readonly checks: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
  }[]
}

test('a full data folder', () =>
  withSmallDisk((data) =>
    withRiver({ data, errors: /ENOSPC/ }, (river) =>
      withNamespaces(2, async (lab) => {
        const health = async () => (await (await fetch(`${river.base}/health`)).json()) as Health
        const ballast = join(data, 'ballast')
        const rest = await serverCase('alone', 5).begin(lab)
        const [first] = await rest()
        await whole(river, lab, first!)
        await until('health to say so', async () => {
          fill(data)
          await rest()
          const said = await health()
          const reason = said.checks.map(({ message }) => message).join('\n')
          return said.status !== 'healthy' && /space|full/i.test(reason)
        })
        const story = await whole(river, lab, first!)
        assert.equal(story.bytes, first!.bytes, 'the API does not answer any more')
        rmSync(ballast)
        const [last] = await rest()
        await until('health to be well again', async () => (await health()).status === 'healthy')
        assert.equal((await whole(river, lab, last!)).bytes, last!.bytes)
      }),
    ),
  ))
