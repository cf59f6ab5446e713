// Files of checkpoints: the octets as drawn, what is deleted when, damage, strangers, a disk that is full.

import assert from 'node:assert/strict'
import {
  appendFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { createReporter } from '../../common/reporter/mod.ts'
import { encodeFrame, flowTable } from '../../wire/mod.ts'
import { type Entries, entryWords } from '../tcp/entries.ts'
import { createCheckpoints } from './checkpoint.ts'
import { inFolder } from './fake.ts'
import { createSpool } from './spool.ts'

const boot = 'ffeeddcc-bbaa-9988-7766-554433221100'
const headerLength = 24
const chunkLength = 24
const entryLength = 96

/** Entries whose words are all `mark` but for the slot, the last one. */
function entriesOf(slots: readonly number[], mark: number): Uint32Array {
  const words = new Uint32Array(slots.length * entryWords).fill(mark)
  for (const [index, slot] of slots.entries()) words[index * entryWords + 23] = slot
  return words
}

/** Answers as enrich would; remembers whether it was asked for all. */
function source(slots: readonly number[], mark: number, gone: readonly number[] = []) {
  const asked: boolean[] = []
  const changes: Entries['changes'] = (whole) => {
    asked.push(whole)
    return { entries: entriesOf(slots, mark), gone: Uint32Array.from(gone) }
  }
  return { changes, asked }
}

/** A file that begins at frame 4 with slots 1, 2, 3; frame 6 changes 2 and ends 3; frame 8 begins 9. */
function journalIn(folder: string): string {
  const checkpoints = createCheckpoints(folder, boot)
  checkpoints.write(4, source([1, 2, 3], 4).changes)
  checkpoints.write(6, source([2], 6, [3]).changes)
  checkpoints.write(8, source([9], 8).changes)
  return join(folder, 'checkpoint-4')
}

const state6 = Uint32Array.of(...entriesOf([1], 4), ...entriesOf([2], 6))

test(
  'the octets are those that journal.ts draws',
  inFolder((folder) => {
    const octets = readFileSync(journalIn(folder))
    const second = headerLength + chunkLength + 3 * entryLength
    const third = second + chunkLength + entryLength + 4
    assert.equal(octets.length, third + chunkLength + entryLength)
    assert.equal(octets.toString('latin1', 0, 4), 'WCKJ')
    assert.equal(octets.toString('hex', 4, 24), `01000000${boot.replaceAll('-', '')}`)
    const chunk = octets.subarray(second, third)
    assert.equal(chunk.readUInt32LE(0), crc32(chunk.subarray(4)))
    assert.equal(chunk.readUInt32LE(4), entryLength + 4)
    assert.equal(chunk.readBigUInt64LE(8), 6n)
    assert.equal(chunk.readBigUInt64LE(16), 1n)
    assert.equal(chunk.readUInt32LE(24 + 92), 2)
    assert.equal(chunk.readUInt32LE(24 + 96), 3)
  }),
)

test(
  'a chunk counts with its frame; the others are cut off for good',
  inFolder((folder) => {
    const file = journalIn(folder)
    const checkpoints = createCheckpoints(folder, boot)
    const all = readFileSync(file)
    assert.deepEqual(
      checkpoints.load(8),
      Uint32Array.of(...state6, ...entriesOf([9], 8)),
      'a later entry replaces the earlier one',
    )
    assert.deepEqual(readFileSync(file), all)
    assert.deepEqual(checkpoints.load(7), state6)
    assert.deepEqual(checkpoints.load(8), state6, 'frame 8 is another one now')
    assert.deepEqual(checkpoints.load(5), entriesOf([1, 2, 3], 4))
    assert.equal(checkpoints.load(3), undefined)
    assert.deepEqual(readdirSync(folder), [])
  }),
)

test(
  'sequences beyond 32 bits',
  inFolder((folder) => {
    const far = 5_000_000_000
    const checkpoints = createCheckpoints(folder, boot)
    checkpoints.write(far, source([1], 1).changes)
    checkpoints.write(far + 1, source([1], 2).changes)
    assert.deepEqual(checkpoints.load(far), entriesOf([1], 1))
  }),
)

test(
  'a file that has grown to twice its beginning is followed by another, whole one',
  inFolder((folder) => {
    const checkpoints = createCheckpoints(folder, boot, 0)
    const steps = [1, 2, 3, 4, 5, 6].map((sequence) => {
      const { changes, asked } = source([1, 2], sequence)
      checkpoints.write(sequence, changes)
      const both = readdirSync(folder).length
      checkpoints.prune()
      return [...asked, both, ...readdirSync(folder)]
    })
    assert.deepEqual(steps, [
      [true, 1, 'checkpoint-1'],
      [false, 1, 'checkpoint-1'],
      [false, 1, 'checkpoint-1'],
      [true, 2, 'checkpoint-4'],
      [false, 1, 'checkpoint-4'],
      [false, 1, 'checkpoint-4'],
    ])
    assert.deepEqual(checkpoints.load(6), entriesOf([1, 2], 6))
  }),
)

test(
  'until its frame is committed, the file before it counts',
  inFolder((folder) => {
    const checkpoints = createCheckpoints(folder, boot, 0)
    checkpoints.write(1, source([1], 1).changes)
    checkpoints.write(2, source([1], 2).changes)
    checkpoints.write(3, source([1], 3).changes)
    checkpoints.write(4, source([1], 4).changes)
    assert.deepEqual(readdirSync(folder), ['checkpoint-1', 'checkpoint-4'])
    assert.deepEqual(createCheckpoints(folder, boot).load(3), entriesOf([1], 3))
    assert.deepEqual(readdirSync(folder), ['checkpoint-1'])
  }),
)

test(
  'a torn end is cut off; damage of what had to count leaves nothing to believe',
  inFolder((folder) => {
    const file = journalIn(folder)
    const all = readFileSync(file)
    const third = all.length - chunkLength - entryLength
    const load = (octets: Buffer) => {
      writeFileSync(file, octets)
      return createCheckpoints(folder, boot).load(7)
    }
    for (let length = third; length < all.length; length++) {
      assert.deepEqual(load(all.subarray(0, length)), state6)
      assert.equal(statSync(file).size, third)
    }
    for (const place of [0, 5, headerLength + 2, headerLength + 6, 100, third - 3, third - 120]) {
      const damaged = Buffer.from(all)
      damaged[place] = (damaged[place] as number) ^ 255
      assert.equal(load(damaged), undefined, `octet ${place}`)
      assert.deepEqual(readdirSync(folder), [])
    }
    assert.equal(load(all.subarray(0, headerLength)), undefined)
    assert.equal(load(Buffer.alloc(0)), undefined)
  }),
)

test(
  'another boot, another format, names of others',
  inFolder((folder) => {
    writeFileSync(join(folder, 'checkpoint-x'), 'kept')
    journalIn(folder)
    assert.equal(createCheckpoints(folder, boot.replace('f', '0')).load(8), undefined)
    const old = Buffer.alloc(24 + entryLength)
    old.write('WCKP')
    Buffer.from(boot.replaceAll('-', ''), 'hex').copy(old, 8)
    old.writeUInt32LE(crc32(old.subarray(8)), 4)
    writeFileSync(join(folder, 'checkpoint-8'), old)
    assert.equal(createCheckpoints(folder, boot).load(8), undefined)
    assert.deepEqual(readdirSync(folder), ['checkpoint-x'])
  }),
)

for (const [how, octetsMin] of [
  ['appended', 1_000_000],
  ['begun', 0],
] as const) {
  test(
    `the disk is full when a checkpoint is ${how}: none is left, the next one is whole`,
    inFolder((folder) => {
      const reporter = createReporter('spool', { level: 'silent' })
      const spool = createSpool({ folder: join(folder, 'spool'), boot }, reporter)
      const checkpoints = createCheckpoints(folder, boot, octetsMin)
      const commit = (mark: number) => {
        const { changes, asked } = source([1], mark)
        const sequence = spool.nextSequence()
        const write = () => checkpoints.write(sequence, changes)
        const committed = spool.commit(frameOf(sequence), write)
        if (committed) checkpoints.prune()
        else checkpoints.clear()
        return [committed, ...asked]
      }
      for (const mark of [1, 2, 3]) assert.deepEqual(commit(mark), [true, mark === 1])
      if (how === 'appended') renameSync(join(folder, 'checkpoint-1'), join(folder, 'away'))
      const name = `checkpoint-${how === 'appended' ? 1 : 4}`
      symlinkSync('/dev/full', join(folder, name))
      assert.deepEqual(commit(4), [false, how === 'begun'])
      assert.equal(createCheckpoints(folder, boot).load(spool.lastSequence()), undefined)
      assert.deepEqual(commit(5), [true, true])
      assert.deepEqual(commit(6), [true, false])
      const last = spool.lastSequence()
      assert.deepEqual(createCheckpoints(folder, boot).load(last), entriesOf([1], 6))
    }),
  )
}

test(
  'a file that somebody deleted is not continued',
  inFolder((folder) => {
    const checkpoints = createCheckpoints(folder, boot)
    checkpoints.write(1, source([1], 1).changes)
    rmSync(join(folder, 'checkpoint-1'))
    assert.throws(() => checkpoints.write(2, source([1], 2).changes), { code: 'ENOENT' })
    assert.deepEqual(readdirSync(folder), [])
  }),
)

test(
  'what follows the journal is not part of it',
  inFolder((folder) => {
    const file = journalIn(folder)
    appendFileSync(file, Buffer.alloc(10))
    assert.equal(createCheckpoints(folder, boot).load(8)?.length, 3 * entryWords)
  }),
)

function frameOf(sequence: number): Buffer {
  const head = { table: flowTable, schema: 1, codec: 'none', agent: boot, boot } as const
  return encodeFrame({ ...head, sequence, rows: 1, timeMin: 1n, timeMax: 1n }, Buffer.alloc(9))
}
