// An enum of the running kernel against bpftool, which reads the same type information by itself.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { kernelEnum } from './kernel-enum.ts'

test('names and values are those that bpftool shows', () => {
  const options = ['btf', 'dump', 'file', '/sys/kernel/btf/vmlinux', 'format', 'raw']
  const dump = execFileSync('bpftool', options, { encoding: 'utf8', maxBuffer: 1 << 28 })
  const from = dump.indexOf("ENUM 'tcp_ca_state'")
  const text = dump.slice(from, dump.indexOf('\n[', from))
  const shown = [...text.matchAll(/'(\w+)' val=(\d+)/g)].map((found) => [
    Number(found[2]),
    found[1],
  ])
  assert.deepEqual([...kernelEnum('tcp_ca_state')], shown)
  assert.equal(kernelEnum('tcp_ca_state').size, 5)
  assert.equal(kernelEnum('no_such_enum').size, 0)
})
