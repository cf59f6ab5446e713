// Whole maps, read by us and by bpftool; then what the kernel may answer instead, put in its place.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { kernelAtLeast } from '../testing/features.ts'
import {
  addEntries,
  allowedCpus,
  dumped,
  frameOf,
  listAll,
  listed,
  openTestObject,
} from '../testing/loader.ts'
import { type Libbpf, openLibbpf } from './library.ts'
import { createMapEntries } from './map-batch.ts'
import { openMap } from './maps.ts'
import type { LoadedObject } from './object.ts'

const triple = 12
/** Less than what is put in: the kernel throws out as it likes, all the while. */
const lruEntries = 10_000
const [icmp, tcp, udp] = [1, 6, 17] as const
const large = [
  ['many', undefined],
  ['many_cpu', triple],
  ['many_lru', undefined],
  ['many_lru_cpu', 8],
] as const

describe('maps of all kinds', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-maps-'))
  const entries = createMapEntries()
  let object: LoadedObject

  before(() => {
    object = openTestObject({ many_lru: lruEntries, many_lru_cpu: lruEntries })
  })
  after(() => {
    object?.close()
    rmSync(folder, { recursive: true })
  })

  /** bpftool runs our program, on the CPU of our choice. */
  function runOn(cpu: number, frame: Uint8Array): void {
    const program = object.programs.find(({ name }) => name === 'count_protocols')
    const file = join(folder, 'frame')
    writeFileSync(file, frame)
    const command = ['bpftool', 'prog', 'run', 'id', String(program?.id), 'data_in', file]
    const mask = `0x${(1 << cpu).toString(16)}`
    execFileSync('taskset', [mask, ...command, 'repeat', '1'], { timeout: 20_000 })
  }

  test('a map without entries gives none', () => {
    for (const name of ['protocols', 'many_cpu', 'many_lru']) {
      object.map(name).read(entries)
      assert.deepEqual([entries.count, entries.complete, entries.calls], [0, true, 1], name)
    }
  })

  test('octets by protocol, also per CPU, are what was sent and what bpftool sees', () => {
    const cpus = allowedCpus()
    for (const cpu of cpus) {
      for (const [protocol, octets] of [
        [icmp, 8],
        [tcp, 20 + cpu],
        [udp, 100],
      ] as const) {
        runOn(cpu, frameOf(protocol, octets))
      }
    }
    const octets = (perPacket: number) => cpus.length * (20 + perPacket)
    const sums = { [icmp]: octets(8), [udp]: octets(100) }
    const maps = [
      ['protocols', undefined],
      ['protocols_array', undefined],
      ['protocols_cpu', triple],
      ['protocols_array_cpu', triple],
    ] as const
    for (const [name, perCpuBytes] of maps) {
      const map = object.map(name)
      map.read(entries)
      assert.equal(entries.count, name.includes('array') ? 256 : 3, name)
      assert.equal(
        entries.way,
        name === 'protocols_array_cpu' ? (kernelAtLeast(5, 13) ? 'batch' : 'each') : 'batch',
      )
      assert.deepEqual(listed(map, entries, perCpuBytes), dumped(map), name)
      for (const [protocol, sum] of Object.entries(sums)) {
        assert.equal(octetsOf(Number(protocol), map, perCpuBytes), sum, `${name} ${protocol}`)
      }
    }
  })

  /** Of a triple the second word is the sum. */
  function octetsOf(protocol: number, map: ReturnType<LoadedObject['map']>, perCpuBytes?: number) {
    const keys = Array.from({ length: entries.count }, (_, i) => entries.keys[i * map.keyBytes])
    const from = (keys.indexOf(protocol) * map.valueBytes) / 4
    if (perCpuBytes === undefined) return entries.valueWords[from]
    let sum = 0
    for (let at = from; at < from + map.valueBytes / 4; at += 4) sum += entries.valueWords[at + 1]!
    return sum
  }

  test('100,000 entries come in several calls as bpftool has them, and can be taken once', () => {
    addEntries(object, 100_000)
    for (const [name, perCpuBytes] of large) {
      const map = object.map(name)
      const seen = dumped(map)
      map.read(entries)
      assert.deepEqual([entries.complete, entries.way], [true, 'batch'], name)
      assert.ok(entries.calls > 2, `${name}: ${entries.calls} calls`)
      assert.ok(same(listed(map, entries, perCpuBytes), seen), `${name} is not what bpftool has`)
      if (name.includes('lru')) assert.ok(seen.length > 0 && seen.length <= lruEntries, name)
      else assertNumbers(100_000, 0)
      map.drain(entries)
      assert.ok(entries.complete && entries.calls > 2, `${name}: ${entries.calls} calls`)
      assert.ok(same(listed(map, entries, perCpuBytes), seen), `${name} is not what bpftool had`)
      assert.deepEqual(dumped(map), [], name)
      map.drain(entries)
      assert.equal(entries.count, 0, name)
    }
  })

  test('a drained map takes new entries', () => {
    addEntries(object, 10)
    object.map('many_cpu').drain(entries)
    assertNumbers(10, 100_000)
  })

  /** The keys are `from` and so on, none twice. */
  function assertNumbers(count: number, from: number): void {
    const numbers = Array.from({ length: entries.count }, (_, i) => entries.keyWords[i * 3]!)
    const wanted = Array.from({ length: count }, (_, i) => from + i)
    const sorted = numbers.toSorted((a, b) => a - b)
    assert.ok(same(sorted, wanted), `${numbers.length} of ${count}`)
  }

  test('an array cannot be drained', () => {
    for (const name of ['protocols_array', 'protocols_array_cpu']) {
      assert.throws(() => object.map(name).drain(entries), { code: 'unsupported_feature' })
    }
  })

  test('what is neither hash nor array is refused, and an unknown name', () => {
    assert.throws(() => object.map('ring'), /map ring is of type 27/)
    assert.throws(() => object.map('nothing'), /no map nothing/)
  })
})

describe('what the kernel may answer', () => {
  const entriesMax = 512
  const entries = createMapEntries()
  const bpf = openLibbpf()
  let object: LoadedObject
  let whole: readonly string[]

  before(() => {
    object = openTestObject({ many: entriesMax, many_lru: entriesMax })
    addEntries(object, entriesMax)
    whole = dumped(object.map('many'))
    assert.equal(whole.length, entriesMax)
  })
  after(() => object?.close())

  function mapOf(changed: Partial<Libbpf>, name = 'many', entriesPerCall?: number) {
    return openMap({ ...bpf, ...changed }, () => object.mapFd(name), name, entriesPerCall)
  }

  test('a bucket that is larger than the room: more room, nothing twice, nothing left out', () => {
    const answers: number[] = []
    const lookupBatch: Libbpf['lookupBatch'] = (...args) => {
      const answer = bpf.lookupBatch(...args)
      answers.push(answer)
      return answer
    }
    const map = mapOf({ lookupBatch }, 'many', 1)
    map.read(entries)
    assert.ok(answers.includes(-28), `no ENOSPC among ${answers.length} answers`)
    assert.deepEqual(listed(map, entries), whole)
  })

  test('a type without batches is read key by key, and not tried again', () => {
    let tried = 0
    const lookupBatch = () => {
      tried++
      return -524
    }
    const map = mapOf({ lookupBatch })
    for (let round = 0; round < 2; round++) {
      map.read(entries)
      assert.deepEqual([entries.way, entries.complete, tried], ['each', true, 1])
      assert.deepEqual(listed(map, entries), whole)
    }
  })

  test('interruptions, before and after some entries, lose and repeat nothing', () => {
    let calls = 0
    const lookupBatch: Libbpf['lookupBatch'] = (...args) => {
      calls++
      const count = args[5]
      if (calls % 2 === 1) {
        count[0] = 0
        return -4
      }
      const answer = bpf.lookupBatch(...args)
      return answer === 0 ? -16 : answer
    }
    const map = mapOf({ lookupBatch }, 'many', 64)
    map.read(entries)
    assert.ok(calls > 10)
    assert.deepEqual(listed(map, entries), whole)
  })

  test('interruptions without end are an error', () => {
    const lookupBatch: Libbpf['lookupBatch'] = (...args) => {
      args[5][0] = 0
      return -11
    }
    assert.throws(() => mapOf({ lookupBatch }).read(entries), {
      code: 'kernel_call',
      message: /^reading map many: /,
    })
  })

  test('a drain that breaks off gives what it has taken', () => {
    let calls = 0
    const drainBatch: Libbpf['drainBatch'] = (...args) => {
      calls++
      return calls === 3 ? -1 : bpf.drainBatch(...args)
    }
    const map = mapOf({ drainBatch }, 'many', 100)
    assert.throws(() => map.drain(entries), { code: 'kernel_call', message: /not permitted/ })
    assert.ok(entries.count > 0 && entries.count < entriesMax)
    const taken = listed(map, entries)
    assert.deepEqual([...taken, ...dumped(map)].toSorted(), whole)
    map.drain(entries)
    assert.deepEqual([...taken, ...listed(map, entries)].toSorted(), whole)
  })

  test('a map that is rewritten while it is read comes to an end', () => {
    const lookupBatch: Libbpf['lookupBatch'] = (...args) => {
      addEntries(object, entriesMax)
      return bpf.lookupBatch(...args)
    }
    mapOf({ lookupBatch }, 'many_lru', 16).read(entries)
    assert.ok(entries.count > 0 && entries.count < 2 * entriesMax + 16, `${entries.count}`)
  })

  test('a kernel that always has more is left after twice the room of the map', () => {
    const endless = { lookupBatch: () => 0, nextKey: () => 0, lookup: () => 0 }
    mapOf(endless).read(entries)
    assert.deepEqual([entries.complete, entries.count], [false, 2 * entriesMax])
    mapOf({ ...endless, lookupBatch: () => -524 }).read(entries)
    assert.deepEqual([entries.complete, entries.count], [false, 2 * entriesMax])
  })
})

test('a closed object is not read, and its maps are gone', async () => {
  const object = openTestObject()
  const map = object.map('many')
  const entries = createMapEntries()
  const ids = () => listAll<{ id: number }>('map').map(({ id }) => id)
  assert.ok(ids().includes(map.id))
  object.close()
  assert.throws(() => map.read(entries), /is closed/)
  assert.throws(() => map.drain(entries), /is closed/)
  assert.throws(() => object.map('many'), /is closed/)
  const end = performance.now() + 60_000
  while (ids().includes(map.id)) assert.ok(performance.now() < end, `map ${map.id} is left`)
})

/** deepEqual of so many lines takes seconds to say how they differ. */
function same<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index])
}
