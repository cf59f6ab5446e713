// An agent that writes only changes beside its twin that writes all it knows: random connections that open, move,
// close, vanish, merge and use slots again, and a process that dies at any octet. What is loaded is, word for
// word, what the twin knew at the last commit.

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { type FakeSocket, fakeRecords } from '../drain/fake.ts'
import { momentOf } from '../rows/moment.ts'
import { createEnrich } from '../tcp/enrich.ts'
import { createCheckpoints } from './checkpoint.ts'

const boot = 'ffeeddcc-bbaa-9988-7766-554433221100'
const bootToWallNs = 1_700_000_000_000_000_000n
const second = 1_000_000_000

const events = [
  'open',
  'dial',
  'accept',
  'learn',
  'send',
  'closeSrc',
  'closeDst',
  'vanish',
  'glimpse',
] as const
const ends = ['goOn', 'goOn', 'goOn', 'writing', 'written', 'committed', 'diskFull'] as const

interface Interval {
  readonly events: readonly (readonly [(typeof events)[number], number])[]
  readonly complete: boolean
  readonly ledger: boolean
  readonly end: (typeof ends)[number]
  /** Which frame of the report it ends with, and where in what was written, 0 to 1. */
  readonly frame: number
  readonly cut: number
}

const interval: fc.Arbitrary<Interval> = fc.record({
  events: fc.array(fc.tuple(fc.constantFrom(...events), fc.nat(5)), { maxLength: 8 }),
  complete: fc.boolean(),
  ledger: fc.boolean(),
  end: fc.constantFrom(...ends),
  frame: fc.nat(2),
  cut: fc.double({ min: 0, max: 1, noNaN: true }),
})

test('dying at any octet, an agent loads exactly what its last frame said', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-checkpoint-'))
  const seen = new Map<string, number>()
  const kinds = ['begun', 'grown', 'cut', 'entries', 'gone', 'ends with entries']
  const rare = () => kinds.filter((what) => (seen.get(what) ?? 0) <= 10)
  try {
    // Chance decides how often each kind comes: so many lives that every one is tried.
    for (let round = 0; round < 20 && (round === 0 || rare().length > 0); round++) {
      fc.assert(
        fc.property(fc.array(interval, { minLength: 5, maxLength: 40 }), (intervals) => {
          for (const name of readdirSync(folder)) rmSync(join(folder, name))
          live(folder, intervals, (what) => seen.set(what, (seen.get(what) ?? 0) + 1))
        }),
        { numRuns: 60 },
      )
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  assert.deepEqual(rare(), [], 'hardly tried')
})

class Death extends Error {}

function live(folder: string, intervals: readonly Interval[], note: (what: string) => void): void {
  const world = createWorld()
  let last = 0
  let truth: Uint32Array | undefined
  let agent = start()

  function start() {
    const checkpoints = createCheckpoints(folder, boot, 600)
    const restored = checkpoints.load(last)
    assert.deepEqual(restored, truth)
    if (restored && restored.length > 0) note('ends with entries')
    world.age()
    const journal = enrichOf(restored)
    return { checkpoints, journal, twin: enrichOf(restored?.slice()) }
  }

  for (const step of intervals) {
    const { moment, records } = world.next(step)
    for (const enrich of [agent.journal, agent.twin]) {
      enrich.beginSnapshot()
      enrich.take(records, records.length / 42)
      enrich.endSnapshot(step.complete)
    }
    const wholes: Uint32Array[] = []
    agent.twin.report(moment, () => wholes.push(agent.twin.changes(true).entries.slice()))
    try {
      let frame = 0
      agent.journal.report(moment, () => commit(step, frame, wholes[frame++] as Uint32Array))
      if (step.ledger) last++
      if (step.end !== 'goOn' && step.end !== 'diskFull') throw new Death()
    } catch (error) {
      if (!(error instanceof Death)) throw error
      agent = start()
      if (!step.ledger) continue
      last++ // the next one dies as well, after a frame without rows: it has the sequence of a dead chunk
      agent = start()
    }
  }

  function commit(step: Interval, frame: number, whole: Uint32Array): void {
    const ends = frame === step.frame ? step.end : 'goOn'
    const sequence = last + 1
    const before = sizes(folder)
    agent.checkpoints.write(sequence, (all) => {
      const changes = agent.journal.changes(all)
      note(all ? 'begun' : 'grown')
      if (all) assert.equal(changes.gone.length, 0)
      if (!all && changes.entries.length > 0) note('entries')
      if (changes.gone.length > 0) note('gone')
      return changes
    })
    if (ends === 'diskFull') {
      agent.checkpoints.clear()
      last = sequence + 1000
      truth = undefined
      return
    }
    if (ends === 'writing') {
      note('cut')
      for (const [name, size] of sizes(folder)) {
        const from = before.get(name) ?? 0
        truncateSync(join(folder, name), from + Math.floor((size - from) * step.cut))
      }
    }
    if (ends === 'writing' || ends === 'written') throw new Death()
    last = sequence
    truth = whole
    if (ends === 'committed') throw new Death()
    agent.checkpoints.prune()
    assert.equal(readdirSync(folder).length, 1)
  }
}

function sizes(folder: string): Map<string, number> {
  return new Map(readdirSync(folder).map((name) => [name, statSync(join(folder, name)).size]))
}

function enrichOf(restored: Uint32Array | undefined) {
  const own = { tgids: new Set([99]), upstream: undefined }
  const options = { node: 'n', key: new Uint8Array(16), cgroupRoot: '', own, rowsMax: 2 }
  return createEnrich({ ...options, ...(restored ? { restored } : {}) })
}

interface Pair {
  src: FakeSocket | undefined
  dst: FakeSocket | undefined
}

/** Six places for connections; 0 and 1 have their other end on another host, both ends of 5 are our own. */
function createWorld() {
  const pairs: Pair[] = Array.from({ length: 6 }, () => ({ src: undefined, dst: undefined }))
  let closed: FakeSocket[] = []
  let clock = 3600 * second
  let cookies = 0

  function socketOf(place: number, isSrc: boolean, known: boolean): FakeSocket {
    const near = ['10.0.0.1', 40_000 + place] as const
    const far = [place < 2 ? '192.0.2.1' : '10.0.0.1', 80] as const
    return {
      cookie: ++cookies,
      start: clock,
      role: isSrc ? 'initiator' : 'responder',
      flags: 1,
      state: known ? 1 : 2,
      pair: known ? [place + 1, Math.floor(clock / second)] : [0, 0],
      local: isSrc ? near : far,
      remote: isSrc ? far : near,
      tgid: place === 5 ? 99 : 10,
      ownerSource: 4,
    }
  }

  function close(pair: Pair, side: 'src' | 'dst'): void {
    const socket = pair[side]
    if (socket) closed.push({ ...socket, kind: 'closed', time: clock })
    pair[side] = undefined
  }

  const changes: Record<(typeof events)[number], (pair: Pair, place: number) => void> = {
    open: (pair, place) => {
      pair.src ??= socketOf(place, true, true)
      if (place > 1) pair.dst ??= { ...socketOf(place, false, true), pair: pair.src.pair ?? [0, 0] }
    },
    dial: (pair, place) => {
      pair.src ??= { ...socketOf(place, true, false), ...(pair.dst && { pair: pair.dst.pair }) }
    },
    accept: (pair, place) => {
      if (place > 1) pair.dst ??= socketOf(place, false, true)
    },
    learn: (pair, place) => {
      const known = pair.dst?.pair ?? [place + 1, Math.floor(clock / second)]
      if (pair.src?.state === 2) pair.src = { ...pair.src, state: 1, pair: known }
      if (pair.src) pair.src = { ...pair.src, flags: 1 }
    },
    send: (pair) => {
      if (pair.src) pair.src = { ...pair.src, sent: (pair.src.sent ?? 0) + 5 }
      if (pair.dst) pair.dst = { ...pair.dst, segsOut: (pair.dst.segsOut ?? 0) + 1 }
    },
    closeSrc: (pair) => close(pair, 'src'),
    closeDst: (pair) => close(pair, 'dst'),
    glimpse: (pair, place) => {
      if (pair.src) return
      changes.dial(pair, place)
      close(pair, 'src')
    },
    vanish: (pair) => {
      pair.src = undefined
    },
  }

  function next(step: Interval) {
    clock += 5 * second
    closed = []
    for (const [event, place] of step.events) changes[event](pairs[place] as Pair, place)
    const alive = pairs.flatMap(({ src, dst }) => [src ?? [], dst ?? []].flat())
    const records = fakeRecords([...alive.map((one) => ({ ...one, time: clock })), ...closed])
    const nowMs = Number((BigInt(clock) + bootToWallNs) / 1_000_000n)
    return { moment: momentOf(nowMs, { bootToWallNs, intervalMs: 5000, last: false }), records }
  }

  /** To the probe of the next agent they are as old as itself. */
  function age(): void {
    const older = { start: 0, flags: 0, role: 'unknown' } as const
    for (const pair of pairs) {
      pair.src &&= { ...pair.src, ...older }
      pair.dst &&= { ...pair.dst, ...older }
    }
  }

  return { next, age }
}
