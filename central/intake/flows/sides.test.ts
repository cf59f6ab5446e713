// A packet that one exporter reports more than once counts once, and what each interface carried is in its rows.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Row } from '../../../wire/mod.ts'
import { ipfixOf, octetsOf, setOf, v4Fields } from './datagrams.fake.ts'
import { fakeDecoder } from './decode.fake.ts'

const reverseEnterprise = 29_305
const beginMs = Date.now() - 3_600_000

interface Reported {
  /** Of 10.0.0.1:40000, whose server is 10.0.0.2:443; or the answer. */
  readonly isBack?: boolean
  readonly bytes: number
  /** Of a record with both directions: those of the other one. */
  readonly reverse?: number
  readonly input?: number
  readonly output?: number
  /** 0 ingress, 1 egress; not said when undefined. */
  readonly direction?: number
  /** Seconds since the begin of the test's hour. */
  readonly from?: number
  readonly to?: number
}

/** Element, width, value; the element of an enterprise has its number as fourth. */
type Element = readonly [element: number, width: number, value: number, enterprise?: number]

function elementsOf(record: Reported): readonly Element[] {
  const { isBack = false, bytes, reverse, direction, from, to } = record
  const ends = [0x0a000001, 0x0a000002, 40_000, 443]
  const [src = 0, dst = 0, srcPort = 0, dstPort = 0] = isBack
    ? [ends[1], ends[0], ends[3], ends[2]]
    : ends
  const values = [src, dst, srcPort, dstPort, 6, bytes, 1]
  const flow = v4Fields.map(([element, width], index): Element => {
    return [element, width, values[index] as number]
  })
  const places: Element[] = [
    [10, 4, record.input ?? 0],
    [14, 4, record.output ?? 0],
  ]
  if (direction !== undefined) places.push([61, 1, direction])
  if (from !== undefined && to !== undefined) {
    places.push([152, 8, beginMs + from * 1000], [153, 8, beginMs + to * 1000])
  }
  const back: Element[] = [
    [1, 4, reverse ?? 0, reverseEnterprise],
    [2, 4, 1, reverseEnterprise],
  ]
  return [...flow, ...places, ...(reverse === undefined ? [] : back)]
}

/** The rows of these records, each with a template of its own. */
function rowsOf(records: readonly Reported[]): readonly Row[] {
  const decoder = fakeDecoder()
  for (const [index, record] of records.entries()) {
    const elements = elementsOf(record)
    const id = 256 + index
    const fields = elements.map(([element, width, , enterprise]) =>
      enterprise === undefined
        ? octetsOf([element, 2], [width, 2])
        : octetsOf([element | 0x8000, 2], [width, 2], [enterprise, 4]),
    )
    const template = setOf(2, octetsOf([id, 2], [fields.length, 2], ...fields))
    const values = elements.map(([, width, value]) => [value, width] as const)
    decoder.take(ipfixOf(index, [template, setOf(id, octetsOf(...values))]))
  }
  return decoder.rows()
}

/** Octets there and back of the rows that count. */
function counted(rows: readonly Row[]): readonly [number, number] {
  const some = rows.filter((row) => row['counted'])
  const sum = (name: string) => some.reduce((total, row) => total + Number(row[name]), 0)
  return [sum('bytes'), sum('reverse_bytes')]
}

test('both sides of one interface: what comes in and what leaves there is two directions', () => {
  const rows = rowsOf([
    { bytes: 50, input: 1, output: 2, direction: 0 },
    { bytes: 900, isBack: true, input: 2, output: 1, direction: 1 },
  ])
  assert.deepEqual(counted(rows), [50, 900])
  assert.deepEqual(
    rows.map((row) => [row['interface'], row['direction']]),
    [
      ['1', 'received'],
      ['1', 'received'],
    ],
  )
})

test('a packet that comes through a router twice was counted at both interfaces', () => {
  const rows = rowsOf([
    { bytes: 500, input: 1, output: 2, from: 0, to: 60 },
    { bytes: 500, input: 3, output: 4, from: 0, to: 60 },
    { bytes: 70, input: 3, output: 4, from: 60, to: 90 },
    { bytes: 70, input: 1, output: 2, from: 60, to: 90 },
  ])
  assert.deepEqual(counted(rows), [570, 0])
})

test('a connection whose route changes counts at its new interface', () => {
  const rows = rowsOf([
    { bytes: 500, input: 1, output: 2, from: 0, to: 60 },
    { bytes: 30, input: 5, output: 2, from: 70, to: 90 },
    // What the old interface had still to say comes late.
    { bytes: 40, input: 1, output: 2, from: 60, to: 69 },
    { bytes: 8, input: 5, output: 2, from: 91, to: 91 },
  ])
  assert.deepEqual(counted(rows), [578, 0])
})

test('an exporter that sends records of one and of both directions counts each direction once', () => {
  const both = { bytes: 50, reverse: 900, from: 0, to: 60 }
  const there = { bytes: 50, from: 0, to: 60 }
  const back = { bytes: 900, isBack: true, from: 0, to: 60 }
  for (const records of [
    [both, there, back],
    [there, both, back],
    [back, both, there],
    [there, back, both],
    [there, both],
    [back, both],
    [both],
  ]) {
    const rows = rowsOf(records)
    assert.deepEqual(counted(rows), [50, 900], JSON.stringify(records))
  }
})

test('records of which one says its side and the other does not are about the same packets', () => {
  const rows = rowsOf([
    { bytes: 50, input: 1, output: 2, from: 0, to: 60 },
    { bytes: 50, input: 1, output: 2, direction: 1, from: 0, to: 60 },
    { bytes: 50, input: 1, output: 2, direction: 0, from: 60, to: 90 },
  ])
  assert.deepEqual(counted(rows), [100, 0])
})

test('after a record of both directions one of a single direction counts', () => {
  const rows = rowsOf([
    { bytes: 50, reverse: 900, from: 0, to: 60 },
    { bytes: 7, from: 60.2, to: 60.2 },
  ])
  assert.deepEqual(counted(rows), [57, 900])
})

test('property: whatever is watched, a direction counts once and every interface has its octets', () => {
  // There 1 → 2, perhaps through a firewall and once more 3 → 4; back the same way.
  const places = [1, 2, 3, 4].flatMap((port) => [0, 1].map((direction) => ({ port, direction })))
  const given = fc.record({
    isTwice: fc.boolean(),
    watched: fc.subarray(places, { minLength: 1 }),
    intervals: fc.array(fc.tuple(fc.integer({ min: 1, max: 999 }), fc.nat(999)), {
      minLength: 1,
      maxLength: 5,
    }),
    order: fc.array(fc.nat(1_000), { minLength: 16, maxLength: 16 }),
  })
  fc.assert(
    fc.property(given, ({ isTwice, watched, intervals, order }) => {
      const records = intervals.flatMap(([there, back], index) =>
        shuffled(recordsOf({ isTwice, watched, there, back, index }), order),
      )
      const rows = rowsOf(records)
      const sees = (isBack: boolean) =>
        records.some((record) => (record.isBack ?? false) === isBack)
      const sum = (at: 0 | 1) => intervals.reduce((total, pair) => total + pair[at], 0)
      assert.deepEqual(counted(rows), [sees(false) ? sum(0) : 0, sees(true) ? sum(1) : 0])
      for (const { port, direction } of watched) {
        const isHere = ({ input, output, direction: side }: Reported) =>
          side === direction && (direction === 1 ? output : input) === port
        const expected = records.filter(isHere).reduce((total, { bytes }) => total + bytes, 0)
        // Of src to dst: received where they come in; of the answer, sent.
        const found = rows
          .filter((row) => row['interface'] === String(port))
          .reduce((total, row) => total + octetsThat(row, direction), 0)
        assert.equal(found, expected, `${port} ${direction}`)
      }
    }),
    { numRuns: 300 },
  )
})

/** Octets of the row that leave by its interface (1), or come in (0). */
function octetsThat(row: Row, direction: number): number {
  const leaves = row['direction'] === 'sent'
  return Number(row[leaves === (direction === 1) ? 'bytes' : 'reverse_bytes'])
}

interface Interval {
  readonly isTwice: boolean
  readonly watched: readonly { readonly port: number; readonly direction: number }[]
  readonly there: number
  readonly back: number
  readonly index: number
}

function recordsOf({ isTwice, watched, there, back, index }: Interval): readonly Reported[] {
  const ways = isTwice
    ? [
        [1, 2],
        [3, 4],
      ]
    : [[1, 2]]
  const time = { from: index * 60, to: index * 60 + 59 }
  return ways.flatMap(([a = 0, b = 0]) =>
    [
      { bytes: there, isBack: false, input: a, output: b },
      { bytes: back, isBack: true, input: b, output: a },
    ].flatMap((packets) =>
      [0, 1].flatMap((direction) => {
        const port = direction === 1 ? packets.output : packets.input
        const isWatched = watched.some((one) => one.port === port && one.direction === direction)
        return isWatched && packets.bytes > 0 ? [{ ...packets, ...time, direction }] : []
      }),
    ),
  )
}

function shuffled<T>(all: readonly T[], order: readonly number[]): readonly T[] {
  return all
    .map((one, index) => [order[index % order.length] as number, one] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, one]) => one)
}
