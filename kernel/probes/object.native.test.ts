// What is said when an object cannot be loaded.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readElf } from '../loader/elf.ts'
import { openObject } from '../loader/object.ts'
import { openRefusedObject } from '../testing/loader.ts'
import { socketHooks } from './socket/hooks.ts'

const objectUrl = new URL('../build/socket.bpf.o', import.meta.url)

test('the licence lets the kernel give GPL helpers', () => {
  assert.ok(readFileSync(objectUrl).includes('Dual BSD/GPL\0'))
})

// Kernels before 6.4 look up a faulting load of the main function in the table of another one, and crash.
test('no program that such kernels load calls a function of its own', () => {
  const elf = readElf(readFileSync(objectUrl))
  const symbols = dataOf(elf.section('.symtab'))
  const functions = elf.sectionIndex('.text')
  /** Relocations of 16 octets: where, kind and symbol. A symbol of 24: its section is at 6. elf(5). */
  const callsFunctions = (hook: string) => {
    const relocations = dataOf(elf.section(`.rel${hook}`))
    const count = relocations.byteLength / 16
    return Array.from({ length: count }, (_, n) => relocations.getUint32(n * 16 + 12, true)).some(
      (symbol) => symbols.getUint16(symbol * 24 + 6, true) === functions,
    )
  }
  const hooks = [...new Set(socketHooks.map(({ hook }) => hook))]
  const callers = hooks.filter(callsFunctions)
  const loaded = socketHooks.filter(({ hook }) => callers.includes(hook))
  assert.deepEqual(
    loaded.map(({ program }) => program),
    ['socket_slots_loop'],
  )
  assert.ok(
    loaded.every(({ needs }) => needs.includes('bpf_iter_num_new')),
    'added in 6.4',
  )
})

function dataOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

const base = { what: 'a test', settings: {}, maxEntries: {}, without: new Set<string>() }

test('a map that the kernel refuses is named', () => {
  const bytes = readFileSync(objectUrl)
  assert.throws(
    () => openObject({ ...base, bytes, maxEntries: { listeners: 0 } }),
    (error: Error & { code: string }) => {
      assert.equal(error.code, 'object_refused')
      assert.match(error.message, /listeners/)
      return true
    },
  )
})

test('what the verifier says last is quoted, however much it said before', () => {
  assert.throws(openRefusedObject, (error: Error & { code: string; cause: Error }) => {
    assert.equal(error.code, 'object_refused')
    assert.match(error.message, /R9 !read_ok/)
    assert.match(error.cause.message, /END PROG LOAD LOG/)
    return true
  })
})

test('garbage is refused', () => {
  assert.throws(() => openObject({ ...base, bytes: Buffer.alloc(500) }), { code: 'object_refused' })
})

// Found with --cpu-prof at 250 us: EAGAIN, each time that it was tried again.
test('a profiler whose signals come faster than a program is verified does not stop the load', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-profile-'))
  const script = `import { openSocketProbe } from './kernel/probes/socket/socket.ts'
    const probe = openSocketProbe({ ringBytes: 1 << 16 })
    console.log(probe.programs.filter((one) => one.state === 'on').length)
    probe.close()`
  try {
    const profiler = ['--cpu-prof', '--cpu-prof-interval=100', `--cpu-prof-dir=${folder}`]
    const options = [...profiler, '--input-type=module', '-e', script]
    const told = execFileSync(process.execPath, options, { encoding: 'utf8', timeout: 60_000 })
    assert.ok(Number(told) >= 2, told)
    assert.equal(readdirSync(folder).length, 1, 'there was no profiler')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('without the capabilities the error names them', () => {
  const script = `import { openSocketProbe } from './kernel/probes/socket/socket.ts'
    try { openSocketProbe() } catch (e) { console.log(e.code + ': ' + e.message) }`
  const options = [
    '--reuid=65534',
    '--clear-groups',
    process.execPath,
    '--input-type=module',
    '-e',
    script,
  ]
  const told = execFileSync('setpriv', options, { encoding: 'utf8', timeout: 20_000 })
  assert.match(told, /^not_permitted: .*CAP_BPF, CAP_PERFMON/)
})

test('doctor runs without privileges', () => {
  const script = `import { doctor } from './kernel/mod.ts'; console.log(doctor().probes[0].why)`
  const options = [
    '--reuid=65534',
    '--clear-groups',
    process.execPath,
    '--input-type=module',
    '-e',
    script,
  ]
  const { stdout, status } = spawnSync('setpriv', options, { encoding: 'utf8', timeout: 20_000 })
  assert.equal(status, 0)
  assert.match(stdout, /missing CAP_BPF, CAP_PERFMON/)
})
