// The readers of ELF and BTF against the object that is shipped, and against damaged ones.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { socketRecordByte, socketRecordBytes, socketRecordWord } from '../layout/socket-record.ts'
import { readBtf } from './btf.ts'
import { readElf } from './elf.ts'
import { btfStrings, namesInBtf } from './host.ts'

const object = readFileSync(new URL('../build/socket.bpf.o', import.meta.url))

test('the record is what its header says', () => {
  const { bytes, members } = readBtf(readElf(object).section('.BTF')).struct('socket_record')
  assert.equal(bytes, 168)
  assert.equal(
    members.reduce((sum, member) => sum + member.bytes, 0),
    bytes,
    'no implicit padding',
  )
  assert.deepEqual(members[0], { name: 'time_ns', byte: 0, bytes: 8 })
  assert.deepEqual(members.at(-1), { name: 'interface', byte: 152, bytes: 16 })
  assert.equal(socketRecordBytes, bytes)
  assert.equal(socketRecordByte.comm, 136)
  assert.equal(socketRecordWord.tgid * 4, socketRecordByte.tgid)
})

test('settings are found in the symbol table', () => {
  const elf = readElf(object)
  assert.equal(elf.symbol('only_netns')?.size, 4)
  assert.equal(elf.symbol('only_cgroup')?.size, 8)
  assert.equal(elf.symbol('only_cgroup')?.section, elf.sectionIndex('.rodata'))
  assert.equal(elf.symbol('no_such_thing'), undefined)
})

test('names are found whole, not as parts of others', () => {
  const strings = stringsOf(readElf(object).section('.BTF'))
  assert.deepEqual(
    [...namesInBtf(strings, ['socket_record', 'socket_rec', 'ocket_record'])],
    ['socket_record'],
  )
})

test('what is not ELF or BTF is refused', () => {
  assert.throws(() => readElf(new Uint8Array(10)), /not a 64-bit/)
  assert.throws(() => readElf(object.subarray(0, 5000)), RangeError)
  assert.throws(() => readElf(object).section('.nothing'), /no section/)
  const btf = readElf(object).section('.BTF')
  assert.throws(() => readBtf(new Uint8Array(30)), /not BTF/)
  assert.throws(() => readBtf(btf.slice(0, 600)), /cut off/)
  assert.throws(() => readBtf(btf).struct('nothing'), /no nothing/)
  assert.throws(() => stringsOf(Buffer.alloc(4)), /not BTF/)
})

/** The strings of BTF that lies in a file, as the kernel's does. */
function stringsOf(btf: Uint8Array): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'weir-btf-'))
  try {
    writeFileSync(join(folder, 'btf'), btf)
    return btfStrings(join(folder, 'btf'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
