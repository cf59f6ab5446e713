import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { test } from 'node:test'
import { cgroupOf, netnsOf } from './scope.ts'

test('a number stands for itself, a path for its inode', () => {
  assert.equal(netnsOf('up', '4026531840'), 4_026_531_840)
  assert.equal(netnsOf('up', '/proc/self/ns/net'), statSync('/proc/self/ns/net').ino)
  assert.equal(cgroupOf('up', '18446744073709551615'), 18_446_744_073_709_551_615n)
})

test('a path that is not there is refused by name', () => {
  assert.throws(() => netnsOf('up', '/run/netns/none-such'), /--netns \/run\/netns\/none-such/)
})
