import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { programMappings, releaseProgramPages } from './program-pages.ts'

const smaps = `00400000-00746000 r--p 00000000 fe:00 42                                 /opt/weir/node
Size:               3352 kB
Anonymous:             0 kB
VmFlags: rd mr mw me sd
0074a000-03044000 r-xp 0034a000 fe:00 42                                 /opt/weir/node
Anonymous:             0 kB
03044000-03045000 r-xp 02c44000 fe:00 42                                 /opt/weir/node
Anonymous:             4 kB
06b52000-06b56000 r--p 06751000 fe:00 42                                 /opt/weir/node
Anonymous:            16 kB
06b56000-06b7d000 rw-p 06755000 fe:00 42                                 /opt/weir/node
Anonymous:             0 kB
7f0000000000-7f0000100000 r-xp 00000000 fe:00 43                         /opt/weir/node-other
Anonymous:             0 kB
7f0000200000-7f0000300000 r--s 00001000 00:0e 11                         anon_inode:bpf-map
Anonymous:             0 kB
7f0000400000-7f0000500000 r--p 00000000 00:00 0
Anonymous:             0 kB
`

test('only what nobody can have written to, of the program alone', () => {
  assert.deepEqual(programMappings(smaps, '/opt/weir/node'), [
    { at: 0x400000, length: 0x346000 },
    { at: 0x74a000, length: 0x28fa000 },
  ])
  assert.deepEqual(programMappings('', '/opt/weir/node'), [])
})

test('pages of the program go, and come back when they are used', () => {
  const before = fileKb()
  releaseProgramPages()
  const after = fileKb()
  assert.ok(after < before - 8192, `${before} kB of files before, ${after} kB after`)
})

/** Resident pages of files. */
function fileKb(): number {
  return Number(/^RssFile:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
}
