// A folder that goes away is noticed once, whatever took it away.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createFolderWatch, makeFolder } from './folder.ts'

async function lossAfter(harm: (folder: string) => void): Promise<readonly string[]> {
  const parent = mkdtempSync(join(tmpdir(), 'weir-folder-'))
  const folder = join(parent, 'data')
  makeFolder(folder)
  const losses: string[] = []
  const lost = new Promise<void>((resolve) => {
    const onLost = (reason: string) => {
      losses.push(reason)
      resolve()
    }
    const watch = createFolderWatch(folder, { onLost, everyMs: 5 })
    void watch.start()
    harm(folder)
  })
  // The watch does not keep the process alive by itself.
  const alive = setInterval(() => {}, 1000)
  await lost
  clearInterval(alive)
  rmSync(parent, { recursive: true })
  return losses
}

test('a folder that is deleted, moved or replaced while a process works in it is noticed', async () => {
  assert.deepEqual(await lossAfter((folder) => rmSync(folder, { recursive: true })), [
    'it was deleted or moved',
  ])
  assert.deepEqual(await lossAfter((folder) => renameSync(folder, `${folder}.old`)), [
    'it was deleted or moved',
  ])
  const replaced = await lossAfter((folder) => {
    renameSync(folder, `${folder}.old`)
    mkdirSync(folder)
  })
  assert.deepEqual(replaced, ['another folder is in its place'])
})

test('a folder below /proc is an error at once, not an endless loop', () => {
  assert.throws(() => makeFolder('/proc/weir/data'), { code: 'ENOENT' })
  assert.equal(existsSync('/proc/weir'), false)
})

test('folders that are made are for their owner alone', () => {
  const parent = mkdtempSync(join(tmpdir(), 'weir-folder-'))
  try {
    makeFolder(join(parent, 'a', 'b'))
    assert.equal(statSync(join(parent, 'a')).mode & 0o777, 0o700)
    assert.equal(statSync(join(parent, 'a', 'b')).mode & 0o777, 0o700)
  } finally {
    rmSync(parent, { recursive: true })
  }
})
