// Maps written in batches and one by one, read back by bpftool and by programs; generations; pins.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { assertGone, type Bpffs, mountBpffs } from '../testing/bpffs.ts'
import { kernelAtLeast } from '../testing/features.ts'
import { allowedCpus, bpftool, dumped, openAttachObject } from '../testing/loader.ts'
import { udpFrame } from '../testing/udp.ts'
import { openPinnedLink } from './attach/link.ts'
import { openLibbpf } from './library.ts'
import { createMapEntries } from './map-batch.ts'
import { sumOverCpus } from './map-sum.ts'
import { openMap } from './maps.ts'
import type { LoadedObject } from './object.ts'
import { createMap, type OwnMap, openPinnedMap, replaceInner } from './own-map.ts'
import { isBpffs, unpin } from './pins.ts'

const many = 100_000
let object: LoadedObject
before(() => {
  object = openAttachObject()
})
after(() => object?.close())

const u32 = (...words: readonly number[]) => new Uint8Array(Uint32Array.from(words).buffer)
const first = u32(0)

describe('entries that are written', () => {
  test('100,000 at once are what bpftool reads, and a second time they are replaced', () => {
    const numbers = object.map('numbers')
    const keys = Uint32Array.from({ length: many }, (_, index) => index * 3)
    for (const factor of [1, 7]) {
      const values = keys.map((key) => key * factor + 1)
      const { way, calls } = numbers.updateAll(bytesOf(keys), bytesOf(values), many)
      assert.deepEqual([way, calls], ['batch', 1])
      const wanted = [...keys].map((key, at) => `${hexOf(key)}: ${hexOf(values[at]!)}`).sort()
      const seen = dumped(numbers)
      assert.equal(seen.length, many)
      assert.ok(
        seen.every((line, at) => line === wanted[at]),
        'an entry differs',
      )
    }
  })

  test('one entry is added, replaced, found and deleted', () => {
    const numbers = object.map('numbers')
    const value = new Uint8Array(4)
    const key = u32(0xfffffff0)
    assert.equal(numbers.lookup(key, value), false)
    numbers.update(key, u32(1))
    numbers.update(key, u32(2))
    assert.ok(numbers.lookup(key, value))
    assert.deepEqual(value, u32(2))
    assert.deepEqual([numbers.delete(key), numbers.delete(key)], [true, false])
  })

  test('a value for each CPU is written in one call or one by one, and says which', () => {
    const slots = object.map('slots')
    const cpus = slots.valueBytes / slots.cpuBytes
    const keys = Uint32Array.from({ length: 3 }, (_, index) => index)
    const values = new Uint32Array((3 * slots.valueBytes) / 4)
    for (let at = 0; at < values.length; at += 2) values[at] = 100 + at
    const { way } = slots.updateAll(bytesOf(keys), bytesOf(values), 3)
    assert.equal(way, kernelAtLeast(5, 13) ? 'batch' : 'each')
    for (const key of keys) {
      const wanted = values.filter((_, at) => at % 2 === 0).slice(key * cpus, (key + 1) * cpus)
      const args = ['key', ...[...u32(key)].map(String)]
      const { values: seen } = bpftool<{ values: { cpu: number; value: string[] }[] }>(
        ...['map', 'lookup', 'id', String(slots.id), ...args],
      )
      assert.deepEqual(
        seen.map(({ value }) => Buffer.from(value.map(Number)).readUInt32LE()),
        [...wanted],
      )
    }
  })

  test('a full map says how many had been written, and has those', () => {
    const plan = {
      name: 'small',
      type: 'hash',
      keyBytes: 4,
      valueBytes: 4,
      entriesMax: 64,
    } as const
    const small = createMap(plan)
    try {
      const keys = bytesOf(Uint32Array.from({ length: 100 }, (_, index) => index))
      const full = { code: 'map_full', message: /room for 64 entries; 64 of these were written/ }
      assert.throws(() => small.updateAll(keys, keys, 100), full)
      assert.equal(dumped(small).length, 64)
      assert.throws(() => small.update(u32(99), first), { code: 'map_full' })
    } finally {
      small.close()
    }
  })

  test('a kernel without batches for the type is asked once, then entry by entry', () => {
    let asked = 0
    const updateBatch = () => {
      asked++
      return -524
    }
    const bpf = { ...openLibbpf(), updateBatch }
    const map = openMap(bpf, () => object.mapFd('numbers'), 'numbers')
    for (let round = 0; round < 2; round++) {
      const { way, calls } = map.updateAll(u32(1, 2, 3), u32(11, 12, 13), 3)
      assert.deepEqual([way, calls, asked], ['each', 3, 1])
    }
    const value = new Uint8Array(4)
    assert.ok(map.lookup(u32(3), value))
    assert.deepEqual(value, u32(13))
  })

  test('too few octets are refused before the kernel reads beyond them', () => {
    const numbers = object.map('numbers')
    assert.throws(() => numbers.updateAll(u32(1), u32(1, 2), 2), /4 octets of keys, not 8/)
    assert.throws(() => numbers.update(u32(1), new Uint8Array(3)), /3 octets of values, not 4/)
    assert.throws(() => numbers.lookup(u32(1), new Uint8Array(0)), /0 octets of values, not 4/)
  })
})

describe('sums over CPUs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-sum-'))
  after(() => rmSync(folder, { recursive: true }))

  test('packets and octets of all CPUs are those of the frames, whichever CPU ran the program', () => {
    const program = object.programs.find(({ name }) => name === 'weir_tc_in')
    const file = join(folder, 'frame')
    let [packets, octets] = [0, 0]
    for (const cpu of allowedCpus()) {
      for (let frames = 0; frames <= cpu; frames++) {
        const frame = udpFrame(9999, 50 + 10 * cpu)
        writeFileSync(file, frame)
        const run = ['prog', 'run', 'id', String(program?.id), 'data_in', file, 'repeat', '1']
        const mask = `0x${(1 << cpu).toString(16)}`
        execFileSync('taskset', [mask, 'bpftool', ...run], { timeout: 20_000 })
        packets++
        octets += frame.length - 14
      }
    }
    const counted = object.map('counted')
    const entries = createMapEntries()
    counted.read(entries)
    assert.equal(entries.count, 1)
    const sums = new Float64Array(1)
    sumOverCpus(counted, entries, { offset: 0, octets: 8 }, sums)
    assert.equal(sums[0], packets)
    sumOverCpus(counted, entries, { offset: 8, octets: 8 }, sums)
    assert.equal(sums[0], octets)
  })

  test('counters beyond 32 bits are added up, and narrow ones are not mixed with their neighbours', () => {
    const [high, low] = [3, 0xffff_fff0]
    const valueWords = Uint32Array.from([low, high, 7, 8, low, 0, 9, 8, 1, 0, 2, 8, 0, 1, 3, 8])
    const entries = { ...createMapEntries(), count: 2, valueWords }
    const map = { valueBytes: 32, cpuBytes: 16 }
    const sums = new Float64Array(2)
    sumOverCpus(map, entries, { offset: 0, octets: 8 }, sums)
    assert.deepEqual([...sums], [low * 2 + high * 2 ** 32, 1 + 2 ** 32])
    sumOverCpus(map, entries, { offset: 8, octets: 4 }, sums)
    assert.deepEqual([...sums], [16, 5])
  })
})

describe('generations of rules', () => {
  const rulesPlan = { type: 'lpmTrie', keyBytes: 8, valueBytes: 4, entriesMax: 1 << 17 } as const
  const room = { inputBytesMax: 128, outputBytesMax: 0, contextBytes: 0 }
  let random = 12345
  const next = () => {
    random = (Math.imul(random, 1103515245) + 12345) >>> 0
    return random >>> 1
  }

  interface Rule {
    readonly bits: number
    readonly address: number
    readonly value: number
  }

  /** The longest prefix that holds; 0 if none does. */
  function reference(rules: readonly Rule[], address: number): number {
    const matches = rules.filter(
      ({ bits, address: prefix }) => bits === 0 || (address ^ prefix) >>> (32 - bits) === 0,
    )
    return matches.toSorted((a, b) => b.bits - a.bits)[0]?.value ?? 0
  }

  function write(map: OwnMap, rules: readonly Rule[]) {
    const keys = Buffer.alloc(rules.length * 8)
    const values = Buffer.alloc(rules.length * 4)
    rules.forEach(({ bits, address, value }, at) => {
      keys.writeUInt32LE(bits, at * 8)
      keys.writeUInt32BE(address >>> 0, at * 8 + 4)
      values.writeUInt32LE(value, at * 4)
    })
    return map.updateAll(keys, values, rules.length)
  }

  function ruleOf(address: number): number {
    const frame = Buffer.from(udpFrame(9999, 20))
    frame.writeUInt32BE(address >>> 0, 14 + 12)
    return object.testRun('weir_rules', room).run(frame).returnValue
  }

  test('the program finds the longest prefix, as a plain search does', () => {
    const rules = new Map<string, Rule>()
    while (rules.size < 300) {
      const bits = next() % 33
      const mask = bits === 0 ? 0 : (-1 << (32 - bits)) >>> 0
      const address = (((next() % 16) << 28) & mask) >>> 0
      rules.set(`${address}/${bits}`, { bits, address, value: rules.size + 1 })
    }
    const list = [...rules.values()]
    const map = createMap({ ...rulesPlan, name: 'longest' })
    try {
      write(map, list)
      replaceInner(object.map('generations'), first, map)
      for (let times = 0; times < 500; times++) {
        const address = ((next() % 16) << 28) | (times % 2 === 0 ? 0 : next() & 0xffff)
        assert.equal(ruleOf(address), reference(list, address >>> 0), `${address >>> 0}`)
      }
    } finally {
      map.close()
    }
  })

  test('100,000 prefixes take the place of others in one step, and the old map is freed', () => {
    const outer = object.map('generations')
    const old = createMap({ ...rulesPlan, name: 'old' })
    write(old, [{ bits: 8, address: 0x0a000000, value: 1 }])
    replaceInner(outer, first, old)
    old.close()
    assert.deepEqual([ruleOf(0x0a010203), ruleOf(0x0b010203)], [1, 0])
    const map = createMap({ ...rulesPlan, name: 'new' })
    const rules = Array.from({ length: many }, (_, index) => {
      return { bits: 32, address: 0x0b000000 + index, value: 2 + index }
    })
    const { way } = write(map, rules)
    assert.equal(way, kernelAtLeast(5, 13) ? 'batch' : 'each')
    assert.deepEqual([ruleOf(0x0a010203), ruleOf(0x0b000007)], [1, 0], 'not yet in force')
    replaceInner(outer, first, map)
    map.close()
    assert.deepEqual([ruleOf(0x0a010203), ruleOf(0x0b000007)], [0, 9])
    assertGone('map', old.id)
    const value = new Uint8Array(4)
    assert.ok(outer.lookup(first, value))
    assert.deepEqual(value, u32(map.id), 'a map of maps is read as ids')
  })

  test('a hash of maps takes maps in and gives them back by key', () => {
    const outer = object.map('rules_by_interface')
    const map = createMap({ ...rulesPlan, name: 'of_seven' })
    replaceInner(outer, u32(7), map)
    map.close()
    const entries = createMapEntries()
    outer.read(entries)
    assert.deepEqual([entries.count, entries.keyWords[0], entries.valueWords[0]], [1, 7, map.id])
    assert.ok(outer.delete(u32(7)))
    assertGone('map', map.id)
  })

  test('a map of another shape is not taken in, and the old one stays', () => {
    const outer = object.map('generations')
    const wrong = createMap({ ...rulesPlan, name: 'wrong', valueBytes: 8 })
    try {
      assert.throws(() => replaceInner(outer, first, wrong), { code: 'kernel_call' })
      assert.equal(ruleOf(0x0b000007), 9)
    } finally {
      wrong.close()
    }
  })
})

describe('pinned maps', () => {
  let bpffs: Bpffs
  before(() => {
    bpffs = mountBpffs()
  })
  after(() => bpffs?.remove())
  const plan = { name: 'kept', type: 'hash', keyBytes: 4, valueBytes: 4, entriesMax: 4 } as const

  test('a pinned map outlives its descriptor, is opened with its entries, and ends with its pin', () => {
    const path = join(bpffs.folder, 'kept')
    const map = createMap(plan)
    map.update(u32(1), u32(42))
    map.pin(path)
    map.close()
    assert.throws(() => map.update(u32(1), u32(1)), /is closed/)
    assert.equal(bpftool<{ id: number }>('map', 'show', 'pinned', path).id, map.id)
    const again = openPinnedMap(path)
    const value = new Uint8Array(4)
    assert.ok(again?.lookup(u32(1), value))
    assert.deepEqual([again?.id, value], [map.id, u32(42)])
    again?.close()
    assert.throws(() => openPinnedLink(path), {
      code: 'kernel_call',
      message: `opening ${path}: it is no link but anon_inode:bpf-map`,
    })
    assert.deepEqual([unpin(path), unpin(path)], [true, false])
    assertGone('map', map.id)
    assert.equal(openPinnedMap(path), undefined)
  })

  test('what is pinned there is not replaced', () => {
    const path = join(bpffs.folder, 'taken')
    const [one, other] = [createMap(plan), createMap(plan)]
    try {
      one.pin(path)
      assert.throws(() => other.pin(path), { code: 'pin_exists', message: new RegExp(path) })
    } finally {
      one.close()
      other.close()
      unpin(path)
    }
  })

  test('a folder of another file system is refused by name', () => {
    assert.deepEqual(
      [isBpffs(bpffs.folder), isBpffs(tmpdir()), isBpffs('/nowhere')],
      [true, false, false],
    )
    const map = createMap(plan)
    try {
      for (const folder of [tmpdir(), '/nowhere']) {
        const refused = { code: 'bpffs_missing', message: new RegExp(`^${folder} is no folder`) }
        assert.throws(() => map.pin(join(folder, 'map')), refused)
        assert.throws(() => unpin(join(folder, 'map')), refused)
      }
    } finally {
      map.close()
    }
  })
})

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer)
}

function hexOf(word: number): string {
  return Buffer.from(u32(word)).toString('hex')
}
