// Who the agent is stays the same; two agents never share a folder; a dead one's lock is no lock.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { bootId, openDataFolder } from './data-folder.ts'

test('the id is made once, the key is kept as central gave it, and secret', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'weir-data-')), 'a', 'b')
  try {
    const first = openDataFolder(path)
    assert.equal(first.fleetKey(), undefined)
    first.keepFleetKey(Uint8Array.from({ length: 16 }, (_, at) => at))
    first.release()
    const second = openDataFolder(path)
    second.release()
    assert.equal(second.agentId, first.agentId)
    assert.deepEqual(second.fleetKey(), Buffer.from(first.fleetKey() ?? []))
    assert.equal(second.fleetKey()?.[15], 15)
    assert.equal(statSync(join(path, 'fleet.key')).mode & 0o777, 0o600)
  } finally {
    rmSync(join(path, '..', '..'), { recursive: true, force: true })
  }
})

test('a folder in use is refused, a stale lock is not', () => {
  const path = mkdtempSync(join(tmpdir(), 'weir-data-'))
  const lock = join(path, 'agent.lock')
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8')
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    writeFileSync(lock, `${process.ppid} ${started}`)
    assert.throws(() => openDataFolder(path), { code: 'data_in_use' })
    writeFileSync(lock, `${process.ppid} 1`)
    openDataFolder(path).release()
  } finally {
    rmSync(path, { recursive: true, force: true })
  }
})

test('a folder that cannot be made, even under /proc, is a clear error', () => {
  assert.throws(() => openDataFolder('/proc/weir/data'), { code: 'data_not_writable' })
})

test('the boot id is a UUID', () => {
  assert.match(bootId(), /^[0-9a-f-]{36}$/)
})
