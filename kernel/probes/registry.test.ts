// The registry agrees with the objects that are shipped, and one probe that cannot be opened does not stop the others.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { readBtf } from '../loader/btf.ts'
import { type Elf, readElf } from '../loader/elf.ts'
import { fail } from '../loader/errors.ts'
import { openProbes, probeSpecs } from './registry.ts'
import { absentPrograms, type OpenProbe, type ProbeSpec } from './spec.ts'

const folder = new URL('.', import.meta.url)
const objectOf = (name: string) => readElf(readFileSync(new URL(`../build/${name}.bpf.o`, folder)))

/** That these symbols lie in the section, and that nothing else does. */
function assertFills(elf: Elf, section: string, names: readonly string[]): void {
  let octets = 0
  for (const name of names) {
    const symbol = elf.symbol(name)
    assert.equal(symbol?.section, elf.sectionIndex(section), `${name} in ${section}`)
    octets += symbol?.size ?? 0
  }
  assert.equal(octets, elf.section(section).length, `${section} holds more than ${names}`)
}

test('every folder with a probe has an entry, and every entry a folder with a README', () => {
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  )
  assert.deepEqual(
    folders.map(({ name }) => name).sort(),
    probeSpecs.map(({ name }) => name).sort(),
  )
  for (const { name } of probeSpecs) {
    for (const file of ['README.md', `${name}.bpf.c`]) {
      assert.ok(existsSync(new URL(`${name}/${file}`, folder)), `${name}/${file}`)
    }
  }
})

for (const { name, hooks, maps, counters, records } of probeSpecs) {
  test(`${name}: programs, maps and counters are those of its object`, () => {
    const elf = objectOf(name)
    for (const hook of new Set(hooks.map((each) => each.hook))) {
      const programs = hooks.filter((each) => each.hook === hook).map(({ program }) => program)
      assertFills(elf, hook, programs)
    }
    assertFills(elf, '.maps', Object.keys(maps))
    const counted = readBtf(elf.section('.BTF')).enumeration(records.counters.enum)
    const names = counted.map(([constant]) => constant.replace(/^COUNTER_/, '').toLowerCase())
    assert.deepEqual([...Object.keys(counters), 'count'], names)
  })
}

/** A probe that opens, or that fails with `error`. */
function fakeSpec(name: string, error?: Error): ProbeSpec {
  const [model] = probeSpecs
  const open = async () => {
    if (error) throw error
    return { name } as OpenProbe
  }
  return { ...(model as ProbeSpec), name, open }
}

test('a probe that cannot be opened is reported with its reason, and the rest runs', async () => {
  const refused = fail('btf_missing', { details: { path: '/nowhere' } })
  const specs = [fakeSpec('a', refused), fakeSpec('b'), fakeSpec('c', new Error('a defect'))]
  const { opened, failed } = await openProbes({}, specs)
  assert.deepEqual(
    opened.map(({ name }) => name),
    ['b'],
  )
  assert.deepEqual(
    failed.map(({ probe, error }) => [probe, error.code, error.message]),
    [
      ['a', 'btf_missing', refused.message],
      ['c', 'probe_defect', 'opening the c probe: a defect'],
    ],
  )
})

test('if no probe opens, the first reason is the error', async () => {
  const refused = fail('btf_missing', { details: { path: '/nowhere' } })
  const specs = [fakeSpec('a', refused), fakeSpec('b', new Error('a defect'))]
  await assert.rejects(openProbes({}, specs), { code: 'btf_missing' })
})

test('of two programs for one thing only the better one is loaded', () => {
  const plain = { program: 'plain', hook: 'iter/x', needs: ['x'], since: '5.10', use: 'x' }
  const fast = { ...plain, program: 'fast', needs: ['x', 'y'], since: '6.2', instead: 'slower' }
  const hooks = [{ ...plain, betterBy: 'fast' }, fast]
  assert.deepEqual(
    [...absentPrograms(hooks, new Set(['x', 'y']))],
    [['plain', 'fast does the same faster']],
  )
  assert.deepEqual(
    [...absentPrograms(hooks, new Set(['x']))],
    [['fast', 'needs Linux 6.2; else slower']],
  )
})
