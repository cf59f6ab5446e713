// Interfaces as `--interface` names them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chosen } from './choose.ts'

test('names, globs, all, and what is left out', () => {
  const cases: readonly (readonly [string, readonly string[], boolean])[] = [
    ['eth0', ['eth0'], true],
    ['eth01', ['eth0'], false],
    ['eth1', ['eth*'], true],
    ['lo', ['all'], true],
    ['lo', ['all', '!lo'], false],
    ['veth3', ['!lo', '!veth*'], false],
    ['eth0', ['!lo'], true],
    ['cni0', ['eth*', 'cni0'], true],
  ]
  for (const [name, patterns, expected] of cases) {
    assert.equal(chosen(name, patterns), expected, `${name} of ${patterns.join(' ')}`)
  }
})
