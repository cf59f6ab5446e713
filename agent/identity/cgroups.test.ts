// The walk over a tree of folders, and mounts of unified and hybrid hosts.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { cgroupMount, createCgroups } from './cgroups.ts'

test('an unknown id is found by the next walk, a removed one keeps its name', () => {
  const root = mkdtempSync(join(tmpdir(), 'weir-cgroup-'))
  try {
    const unit = join(root, 'system.slice', 'nginx.service')
    mkdirSync(unit, { recursive: true })
    const cgroups = createCgroups({ root })
    const id = statSync(unit).ino
    assert.equal(cgroups.ownerOf(id), undefined)
    cgroups.refresh()
    assert.equal(cgroups.ownerOf(id)?.unit, 'nginx.service')
    rmSync(unit, { recursive: true })
    cgroups.ownerOf(id + 1_000_000)
    cgroups.refresh()
    assert.equal(cgroups.ownerOf(id)?.unit, 'nginx.service')
    assert.equal(cgroups.ownerOf(id + 1_000_000), undefined)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})

test('the mount is found on unified and hybrid hosts', () => {
  const unified = 'proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n'
  const hybrid =
    'tmpfs /sys/fs/cgroup tmpfs ro 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n'
  assert.equal(cgroupMount(unified), '/sys/fs/cgroup')
  assert.equal(cgroupMount(hybrid), '/sys/fs/cgroup/unified')
  assert.equal(cgroupMount('none /a\\040b cgroup2 rw 0 0'), '/a b')
  assert.equal(cgroupMount('proc /proc proc rw 0 0\n'), '')
})
