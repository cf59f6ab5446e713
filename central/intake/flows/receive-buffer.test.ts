// A host whose kernel keeps too little is found before datagrams are lost.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { receiveBuffer, receiveRemedy } from './receive-buffer.ts'

test('a limit below what central asks for has a remedy, one above has none', () => {
  const root = mkdtempSync(join(tmpdir(), 'weir-sys-'))
  try {
    mkdirSync(join(root, 'net/core'), { recursive: true })
    writeFileSync(join(root, 'net/core/rmem_max'), '212992\n')
    const buffer = receiveBuffer(root)
    assert.equal(buffer.allowedBytes, 212_992)
    assert.equal(receiveRemedy(buffer), 'sysctl -w net.core.rmem_max=8388608')
    writeFileSync(join(root, 'net/core/rmem_max'), '8388608\n')
    assert.equal(receiveRemedy(receiveBuffer(root)), '')
    assert.equal(receiveBuffer(join(root, 'nowhere')).allowedBytes, 0)
  } finally {
    rmSync(root, { recursive: true })
  }
})
