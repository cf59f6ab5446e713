// The rule of life.ts against a world that knows the truth: connections whose two ends are seen in any order, late
// or not at all, by an agent that may be another one meanwhile. Octets once, opened once, one end, one id, and the
// process of every end that was seen.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Row } from '../../wire/mod.ts'
import type { FakeSocket } from '../drain/fake.ts'
import type { EnrichCounts } from './enrich.ts'
import { fakeAgent, hour, second } from './fake.ts'

/** One connection; numbers without a unit are intervals. */
interface Script {
  /** The address of the responder is one of an interface. */
  readonly isHereKnown: boolean
  readonly begins: number
  /** Uses the addresses and ports of the script before, when that one's initiator has gone. */
  readonly tupleAgain: boolean
  /** How long the SYN gets no answer. */
  readonly synLost: number
  readonly open: number
  readonly srcEndsFirst: boolean
  /** How long the last ACK is lost, so that the other end cannot end. */
  readonly lastAckLost: number
  readonly octets: number
  /** Live records that are lost: bit of the interval, one mask for each end. */
  readonly liveLost: readonly [number, number]
  /** Whose record of the end is lost. */
  readonly endLost: 'none' | 'src' | 'dst'
  readonly dstFirst: boolean
}

const lag = fc.oneof(
  { weight: 6, arbitrary: fc.nat(4) },
  { weight: 1, arbitrary: fc.integer({ min: 5, max: 200 }) },
)
const mask = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 0xffff }))

const script: fc.Arbitrary<Script> = fc.record({
  isHereKnown: fc.boolean(),
  begins: fc.nat(3),
  tupleAgain: fc.boolean(),
  synLost: fc.nat(3),
  open: fc.nat(3),
  srcEndsFirst: fc.boolean(),
  lastAckLost: lag,
  octets: fc.integer({ min: 1, max: 1000 }),
  liveLost: fc.tuple(mask, mask),
  endLost: fc.constantFrom('none', 'none', 'none', 'none', 'src', 'dst'),
  dstFirst: fc.boolean(),
})

interface History {
  readonly scripts: readonly Script[]
  /** Sockets without a descriptor are in complete dumps only, as before the dump went by slots. */
  readonly oldDump: boolean
  readonly restarts: readonly number[]
}

const history: fc.Arbitrary<History> = fc.record({
  scripts: fc.array(script, { minLength: 1, maxLength: 3 }),
  oldDump: fc.boolean(),
  restarts: fc.array(fc.nat(12), { maxLength: 2 }),
})

test('whatever is seen of two ends, and when: octets once, opened once, one end, one id', () => {
  const seen = new Map<string, number>()
  const note = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)
  const kinds = [
    'exact',
    'restarted',
    'end lost',
    'late end',
    'long late',
    'lost SYN',
    'deferred',
    'tuple again',
  ]
  const rare = () => kinds.filter((what) => (seen.get(what) ?? 0) < 5)
  // Chance decides how often each kind comes: so many histories that every one is tried.
  for (let round = 0; round < 20 && (round === 0 || rare().length > 0); round++) {
    fc.assert(
      fc.property(history, (value) => play(value, note)),
      { numRuns: 300 },
    )
  }
  assert.deepEqual(rare(), [], 'hardly tried')
})

/** What the world knows of one connection, and what was delivered of it. */
interface Truth {
  readonly script: Script
  readonly index: number
  /** Of its addresses. */
  readonly place: number
  readonly begins: number
  /** Highest octets that a delivered record reported, each direction. */
  readonly best: [number, number]
  /** Interval in which a record of the end was first delivered to the present agent; −1 = not yet. */
  readonly first: [number, number]
  /** Intervals in which an end ends. */
  readonly ends: readonly [number, number]
  /** Delivered for the first time to an agent that came after it began. */
  older: boolean
  /** The present agent took in the record of an end. */
  endTaken: boolean
  /** An agent died after it had taken in an end that it had not reported. */
  cut: boolean
  /** A record of an end was lost, and an agent died or the tuple came again: nothing ties what is late to its attempt. */
  blind: boolean
  rows: Row[]
}

const endNames = ['src', 'dst'] as const

function play({ scripts, oldDump, restarts }: History, note: (what: string) => void): void {
  const truths: Truth[] = []
  for (const script of scripts) truths.push(truthOf(script, truths.length, truths.at(-1)))
  for (const truth of truths) truth.blind = isBlind(truth, truths)
  const last = Math.max(...truths.flatMap(({ ends }) => ends)) + 30
  const addresses = () =>
    truths.flatMap(({ script, place }) => (script.isHereKnown ? [address(place, 1)] : []))
  let agent = fakeAgent({ addresses })
  let born = -1
  let waiting = 0
  for (let interval = 0; interval <= last; interval++) {
    if (restarts.includes(interval) && interval > 0) {
      for (const truth of truths) noteDeath(truth)
      agent = fakeAgent({ addresses, restored: agent.enrich.changes(true).entries.slice() })
      born = interval
      waiting = 0
      for (const truth of truths) truth.first.fill(-1)
    }
    const complete = interval === Math.max(born, 0) || interval % 12 === 0
    const world = recordsOf(truths, { interval, born, complete, oldDump })
    const atNs = hour + interval * 5 * second
    const rows = agent.step({ ...world, complete, atNs })
    for (const truth of truths) check(truth, interval, rows, note)
    waiting = assertBalance(agent.enrich.takeCounts(), waiting)
  }
  for (const truth of truths) assertTruth(truth, note)
}

/** The record of an end is lost, and another connection has the same tuple. */
function isBlind(truth: Truth, truths: readonly Truth[]): boolean {
  const lost = truths.some(
    ({ place, script }) => place === truth.place && script.endLost !== 'none',
  )
  return lost && truths.some((other) => other !== truth && other.place === truth.place)
}

/** What became due is reported, waits or is withdrawn. No count is below 0: a row of the ledger cannot hold that. */
function assertBalance(counts: EnrichCounts, before: number): number {
  const { due, rows, filtered, withdrawn, full, waiting } = counts
  assert.equal(due, rows + filtered + withdrawn + full + waiting - before)
  assert.ok(Math.min(due, rows, filtered, withdrawn) >= 0)
  return counts.waiting
}

function truthOf(script: Script, index: number, before: Truth | undefined): Truth {
  const again = script.tupleAgain ? before : undefined
  const begins = script.begins + (again ? again.ends[0] + 1 : 0)
  const opened = begins + script.synLost
  const firstEnd = opened + script.open
  const ends: [number, number] = [firstEnd, firstEnd]
  ends[script.srcEndsFirst ? 1 : 0] += script.lastAckLost
  return {
    script,
    index,
    place: again?.place ?? index,
    begins,
    best: [0, 0],
    first: [-1, -1],
    ends,
    older: false,
    endTaken: false,
    cut: false,
    blind: false,
    rows: [],
  }
}

function pidOf(index: number, side: 0 | 1): number {
  return 10 + index * 2 + side
}

function address(index: number, side: 0 | 1): string {
  return `10.${index}.0.${side + 1}`
}

interface Instant {
  readonly interval: number
  readonly born: number
  readonly complete: boolean
  readonly oldDump: boolean
}

function recordsOf(truths: readonly Truth[], instant: Instant) {
  const live: FakeSocket[] = []
  const closed: FakeSocket[] = []
  for (const truth of truths) {
    const sides: readonly (0 | 1)[] = truth.script.dstFirst ? [1, 0] : [0, 1]
    for (const side of sides) {
      const socket = socketOf(truth, side, instant)
      if (!socket) continue
      const isEnd = instant.interval === truth.ends[side]
      if (isEnd ? truth.script.endLost === endNames[side] : !isShown(truth, side, instant)) continue
      deliver(truth, side, socket, instant)
      if (isEnd) truth.endTaken = true
      ;(isEnd ? closed : live).push(socket)
    }
  }
  return { live, closed }
}

function isShown({ script, ends }: Truth, side: 0 | 1, instant: Instant): boolean {
  const { interval, born, complete, oldDump } = instant
  if (interval === born) return true // what a new agent does not find at once has ended while none watched
  const isOrphan = interval >= Math.min(...ends)
  if (isOrphan && oldDump && !complete) return false
  return (((script.liveLost[side] as number) >>> (interval % 16)) & 1) === 0
}

/** The socket as it is at the end of the interval; undefined before it is there and after its end. */
function socketOf(truth: Truth, side: 0 | 1, { interval, born }: Instant): FakeSocket | undefined {
  const { script, index, place, ends } = truth
  const opened = truth.begins + script.synLost
  const begins = side === 0 ? truth.begins : opened
  if (interval < begins || interval > ends[side]) return undefined
  const dialling = interval < opened
  const moved = dialling ? 0 : (Math.min(interval, Math.min(...ends)) - opened + 1) * script.octets
  const [forth, back] = [moved, moved * 2]
  const isOlder = begins < born
  return {
    cookie: 1 + index * 2 + side,
    start: isOlder ? 0 : hour + (begins * 5 - 1) * second + side,
    role: isOlder ? 'unknown' : side === 0 ? 'initiator' : 'responder',
    flags: isOlder ? 0 : 1,
    state: dialling ? 2 : 1,
    pair: dialling ? [0, 0] : [index + 1, 77],
    local: [address(place, side), side === 0 ? 40_000 : 80],
    remote: [address(place, side === 0 ? 1 : 0), side === 0 ? 80 : 40_000],
    tgid: pidOf(index, side),
    comm: side === 0 ? 'curl' : 'nginx',
    ownerSource: 4,
    sent: side === 0 ? forth : back,
    received: side === 0 ? back : forth,
  }
}

function deliver(truth: Truth, side: 0 | 1, socket: FakeSocket, instant: Instant): void {
  const { best, first } = truth
  const [forth, back] =
    side === 0 ? (['sent', 'received'] as const) : (['received', 'sent'] as const)
  best[0] = Math.max(best[0], socket[forth] ?? 0)
  best[1] = Math.max(best[1], socket[back] ?? 0)
  if (truth.rows.length === 0 && first.every((at) => at < 0) && truth.begins < instant.born) {
    truth.older = true
  }
  if (first[side] < 0) first[side] = instant.interval
}

/** Only its own rows; and none that knows less than was delivered. */
function check(
  truth: Truth,
  interval: number,
  rows: readonly Row[],
  note: (what: string) => void,
): void {
  const own = rows.filter(
    (row) => row['src_pid'] === pidOf(truth.index, 0) || row['dst_pid'] === pidOf(truth.index, 1),
  )
  truth.rows.push(...own)
  for (const [side, name] of endNames.entries()) {
    const wasSeen = (truth.first[side] as number) >= 0 && !truth.blind
    for (const row of own) {
      if (wasSeen)
        assert.notEqual(row[`${name}_process`], '', `${name} of ${JSON.stringify(truth)}`)
    }
  }
  const [src, dst] = truth.first
  const onlySrc = src === interval && dst < 0
  const dialling = interval < truth.begins + truth.script.synLost
  if (!onlySrc || !truth.script.isHereKnown || dialling || truth.rows.length > own.length) return
  if (interval === 0) return // the addresses are asked for with the first complete snapshot
  assert.equal(own.length, 0, 'the other end must be here: deferred')
  note('deferred')
}

/** An agent that dies has taken in an end, and its row was deferred: nobody will report it. */
function noteDeath(truth: Truth): void {
  const hasEnd = truth.rows.some((row) => row['end'] !== null)
  if (truth.endTaken && !hasEnd) truth.cut = true
  if (truth.script.endLost !== 'none' && truth.rows.length > 0) truth.blind = true
}

function assertTruth(truth: Truth, note: (what: string) => void): void {
  const { rows, script, best } = truth
  const text = () => JSON.stringify({ truth }, undefined, 1)
  const sum = (name: string) => rows.reduce((all, row) => all + Number(row[name]), 0)
  const ends = rows.filter((row) => row['end'] !== null).length
  const ids = new Set(rows.map((row) => row['connection_id'])).size
  if (truth.blind) return
  if (truth.cut || truth.older) {
    note('restarted')
    assert.ok(sum('bytes') <= best[0] && sum('reverse_bytes') <= best[1], text())
    assert.ok(sum('opened') <= 1, text())
  } else if (rows.length > 0) {
    note('exact')
    assert.deepEqual([sum('bytes'), sum('reverse_bytes'), sum('opened')], [...best, 1], text())
  }
  if (rows.length === 0) return
  assert.equal(ids, 1, text())
  if (truth.cut) assert.ok(ends <= 1, text())
  else assert.equal(ends, 1, text())
  if (script.endLost !== 'none') note('end lost')
  if (script.lastAckLost > 0) note('late end')
  if (script.lastAckLost > 60) note('long late')
  if (script.synLost > 1) note('lost SYN')
  if (truth.place !== truth.index) note('tuple again')
}
