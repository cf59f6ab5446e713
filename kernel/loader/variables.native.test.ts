// Variables that the loader and the programs write side by side, and what bpftool sees of them.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { bpftool, frameOf, openAttachObject, openTestObject } from '../testing/loader.ts'
import { type LoadedObject, openObject } from './object.ts'

const room = { inputBytesMax: 64, outputBytesMax: 0, contextBytes: 0 }
let object: LoadedObject
before(() => {
  object = openAttachObject()
})
after(() => object?.close())

function run(): void {
  object.testRun('add_to_variables', room).run(frameOf(17, 0))
}

test('a variable of each size is set to its last value, and the programs count on from it', () => {
  const variables = object.variables()
  const limits = { written_u8: 8n, written_u16: 16n, written_u32: 32n, written_u64: 64n }
  for (const [name, bits] of Object.entries(limits)) {
    variables.set(name, (1n << bits) - 2n)
    assert.equal(variables.get(name), (1n << bits) - 2n, name)
  }
  run()
  for (const [name, bits] of Object.entries(limits)) {
    assert.equal(variables.get(name), (1n << bits) - 1n, name)
  }
  run()
  for (const name of Object.keys(limits)) assert.equal(variables.get(name), 0n, name)
})

test('setting one variable leaves what the programs have written to the others', () => {
  const variables = object.variables()
  variables.set('runs', 0n)
  for (let times = 1n; times <= 3n; times++) {
    run()
    variables.set('written_u32', 7n)
    assert.equal(variables.get('runs'), times)
  }
})

test('bpftool sees what was set', () => {
  object.variables().set('written_u64', 0x1122334455667788n)
  const program = object.programs.find(({ name }) => name === 'add_to_variables')
  const { map_ids } = bpftool<{ map_ids: number[] }>('prog', 'show', 'id', String(program?.id))
  interface Dumped {
    readonly formatted?: { readonly value: Readonly<Record<string, Record<string, number>[]>> }
  }
  const values = map_ids
    .flatMap((id) => bpftool<Dumped[]>('map', 'dump', 'id', String(id)))
    .flatMap(({ formatted }) => formatted?.value['.bss'] ?? [])
  const seen = values.find((value) => 'written_u64' in value)?.['written_u64']
  assert.equal(seen, Number(0x1122334455667788n))
})

test('an unknown name, and a constant, are no variables', () => {
  const variables = object.variables()
  assert.throws(() => variables.set('nothing', 1n), /no variable nothing in \.bss/)
  const other = openTestObject()
  try {
    assert.throws(() => other.variables().set('added_value', 1n), /no variable added_value/)
  } finally {
    other.close()
  }
})

test('an object without constants takes no settings, and says so', () => {
  const bytes = readFileSync(new URL('../testing/attach.bpf.o', import.meta.url))
  const options = { what: 'a test', bytes, maxEntries: {}, without: new Set<string>() }
  assert.throws(() => openObject({ ...options, settings: { netns: 1n } }), /no map \.rodata/)
})

test('variables of a closed object are refused, not read from memory that is gone', () => {
  const other = openAttachObject()
  const variables = other.variables()
  variables.set('runs', 1n)
  other.close()
  assert.throws(() => variables.get('runs'), /is closed/)
  assert.throws(() => variables.set('runs', 2n), /is closed/)
  assert.throws(() => other.variables().get('runs'), /is closed/)
})
