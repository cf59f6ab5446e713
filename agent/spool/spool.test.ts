// The spool's promises: order, bounds, sequences that are never used twice, and damage that is counted.

import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createReporter } from '../../common/reporter/mod.ts'
import { encodeFrame, flowTable, ledgerTable } from '../../wire/mod.ts'
import { inFolder } from './fake.ts'
import { createSpool, type SpoolLimits } from './spool.ts'

const boot = 'ffeeddcc-bbaa-9988-7766-554433221100'

function frameOf(sequence: number, { rows = 1, timeMs = 1000, table = flowTable } = {}): Buffer {
  const time = BigInt(timeMs) * 1_000_000n
  return encodeFrame(
    {
      table,
      schema: 1,
      codec: 'none',
      agent: boot,
      boot,
      sequence,
      rows,
      timeMin: time,
      timeMax: time,
    },
    Buffer.alloc(1000, sequence),
  )
}

function open(folder: string, limits: SpoolLimits & { boot?: string; nowMs?: () => number } = {}) {
  return createSpool({ folder, boot, ...limits }, createReporter('spool', { level: 'silent' }))
}

test(
  'frames come out in order and stay until they are released',
  inFolder((folder) => {
    const spool = open(folder)
    for (const sequence of [1, 2, 3]) {
      assert.equal(spool.nextSequence(), sequence)
      assert.ok(spool.commit(frameOf(sequence)))
    }
    assert.deepEqual(spool.next(0)?.frame, frameOf(1))
    spool.release(2)
    spool.release(77)
    assert.equal(spool.takeCounts().acknowledged, 1)
    assert.equal(spool.next(1)?.sequence, 3)
    const again = open(folder)
    assert.deepEqual([again.next(0)?.sequence, again.next(1)?.sequence], [1, 3])
    assert.equal(again.waiting().rows, 2)
  }),
)

test(
  'no sequence is used twice: empty spool, crash before the commit, another boot',
  inFolder((folder) => {
    const spool = open(folder)
    spool.commit(frameOf(1))
    spool.commit(frameOf(2))
    spool.release(1)
    spool.release(2)
    assert.equal(open(folder).nextSequence(), 3)
    writeFileSync(join(folder, '0000000000000003.tmp'), 'half')
    const again = open(folder)
    assert.equal(again.nextSequence(), 3)
    again.commit(frameOf(3))
    assert.equal(
      open(folder, { boot: '00000000-0000-0000-0000-000000000000' }).nextSequence(),
      1_000_004,
    )
  }),
)

test(
  'the oldest frames go when it is full or too old, counted in rows',
  inFolder((folder) => {
    const spool = open(folder, { octetsMax: 2500, ageMaxMs: 60_000 })
    for (const sequence of [1, 2, 3]) spool.commit(frameOf(sequence, { rows: sequence * 10 }))
    assert.deepEqual(spool.waiting().frames, 2)
    spool.sweep(61_001)
    assert.equal(spool.next(0), undefined)
    assert.deepEqual(
      [...spool.takeCounts().lost],
      [
        ['spool_full', 10],
        ['spool_age', 50],
      ],
    )
    assert.equal(spool.takeCounts().lost.size, 0)
    assert.equal(open(folder).nextSequence(), 4)
  }),
)

test(
  'a damaged frame is set aside at the next start, a refused one at once',
  inFolder((folder) => {
    const spool = open(folder)
    for (const sequence of [1, 2, 3]) spool.commit(frameOf(sequence))
    writeFileSync(join(folder, '0000000000000002.frame'), frameOf(2).subarray(0, 500))
    const again = open(folder)
    assert.equal(again.next(1)?.sequence, 3)
    again.quarantine(3)
    assert.deepEqual(
      [...again.takeCounts().lost],
      [
        ['spool_torn', 1],
        ['refused', 1],
      ],
    )
    assert.equal(readdirSync(join(folder, 'refused')).length, 2)
    assert.equal(open(folder).nextSequence(), 4)
  }),
)

test(
  'a frame on its way to central was given up: its rows were lost and stored',
  inFolder((folder) => {
    const spool = open(folder, { octetsMax: 3500, ageMaxMs: 60_000 })
    for (const sequence of [1, 2, 3]) spool.commit(frameOf(sequence, { rows: sequence * 10 }))
    assert.equal(spool.next(0)?.sequence, 1)
    spool.commit(frameOf(4))
    assert.deepEqual([...spool.takeCounts().lost], [['spool_full', 20]])
    for (const after of [1, 3]) spool.next(after)
    spool.commit(frameOf(5, { rows: 50 }))
    spool.sweep(61_001)
    for (const sequence of [1, 3, 4]) spool.release(sequence)
    const { acknowledged, lost, waiting } = spool.takeCounts()
    assert.deepEqual([acknowledged, [...lost], waiting], [41, [['spool_full', 50]], 0])
    assert.equal(open(folder).nextSequence(), 6)
  }),
)

const sequencesOf = (spool: ReturnType<typeof open>): number[] => {
  const found: number[] = []
  for (let next = spool.next(0); next; next = spool.next(next.sequence)) found.push(next.sequence)
  return found
}

test(
  'what a process before had sent and nobody had answered makes no room either',
  inFolder((folder) => {
    const before = open(folder)
    for (const sequence of [1, 2, 3, 4]) before.commit(frameOf(sequence))
    for (const sequence of [1, 2]) before.next(sequence - 1)
    const spool = open(folder, { octetsMax: 3500 })
    spool.commit(frameOf(5))
    assert.deepEqual(sequencesOf(spool), [1, 2, 5])
  }),
)

test(
  'a frame was sent, and again when central had forgotten it: hours in doubt, ledgers too',
  inFolder((folder) => {
    const hour = 3_600_000
    let nowMs = Date.now()
    const clock = { ageMaxMs: 24 * hour, nowMs: () => nowMs }
    const before = open(folder, clock)
    const timeMs = nowMs
    before.commit(frameOf(1, { timeMs }))
    before.commit(frameOf(2, { timeMs, table: ledgerTable }))
    before.commit(frameOf(3, { timeMs }))
    for (const sequence of [1, 2]) before.next(sequence - 1)
    nowMs += 10 * hour
    const spool = open(folder, clock)
    assert.deepEqual(sequencesOf(spool), [3])
    assert.deepEqual([...spool.takeCounts().lost], [['spool_age', 1]])
    spool.sweep(nowMs + hour / 2)
    assert.deepEqual(sequencesOf(spool), [3], 'it had waited for long, and is on its way')
    nowMs += 2 * hour
    spool.sweep(nowMs)
    assert.equal(spool.waiting().frames, 0)
  }),
)

test(
  'ledgers go last, and have room of their own before a frame goes that was sent',
  inFolder((folder) => {
    const spool = open(folder, { octetsMax: 32 * frameOf(1).length })
    for (let sequence = 1; sequence <= 29; sequence++) spool.commit(frameOf(sequence))
    for (let sequence = 1; sequence <= 28; sequence++) spool.next(sequence - 1)
    const commitLedger = () => {
      spool.commit(frameOf(spool.nextSequence(), { table: ledgerTable }))
      return spool.takeCounts().lost.get('spool_full') ?? 0
    }
    const lost = Array.from({ length: 8 }, commitLedger)
    assert.deepEqual(lost, [0, 0, 0, 1, 0, 0, 1, 1])
  }),
)

test(
  'when the disk takes nothing, frames stay in memory up to a bound and sequences jump',
  inFolder((folder) => {
    const spool = open(folder, { memoryMax: 2500 })
    spool.commit(frameOf(1))
    spool.release(1)
    const full = () => {
      throw new Error('no space left on device')
    }
    const used = [1]
    for (let count = 0; count < 3; count++) {
      const sequence = spool.nextSequence()
      used.push(sequence)
      assert.equal(spool.commit(frameOf(sequence, { rows: 5 }), full), false)
    }
    assert.deepEqual([...spool.takeCounts().lost], [['spool_full', 5]])
    assert.equal(spool.next(0)?.sequence, used[2])
    assert.ok(spool.commit(frameOf(spool.nextSequence())))
    const after = open(folder)
    assert.ok(after.nextSequence() > Math.max(...used))
  }),
)

test('a folder that cannot be made is a clear error', () => {
  assert.throws(() => open('/proc/weir/spool'), { code: 'data_not_writable' })
})
