// Spans and connections in every order; what could be two connections is none.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from '../../../wire/mod.ts'
import { nobody, type SpanEnd } from './span-ends.ts'
import { createTraces, type SeenRow, type Traces } from './traces.ts'

const nowMs = 1_000_000_000
const octets = (text: string) => parseAddress(text) as Uint8Array
const row = (mark: number, change: Partial<SeenRow> = {}): SeenRow => ({
  src: octets('10.0.0.1'),
  dst: octets('10.0.0.2'),
  srcPort: 40_000 + mark,
  dstPort: 80,
  srcPid: 7,
  id: [mark, 1],
  startMs: nowMs - 2_000,
  timeMs: nowMs,
  reportedMs: nowMs,
  ...change,
})
const span = (mark: number, fromMs = -1_000, toMs = -500) => ({
  traceId: `trace-${mark}`,
  spanId: `span-${mark}`,
  startMs: nowMs + fromMs,
  endMs: nowMs + toMs,
})
const end = (change: Partial<SpanEnd>): SpanEnd => ({ ...nobody, ...change })
const called = (port: number) => ({
  src: end({ address: '::ffff:10.0.0.1', port }),
  dst: end({ workload: 'shop' }),
  side: 'dst' as const,
})
const caller = (pid: number, port = 0) => ({
  src: end({ pid, port }),
  dst: end({ address: '10.0.0.2', port: 80 }),
  side: 'src' as const,
})
const rowOf = (traces: Traces, seen: SeenRow) => traces.rows([seen])[0]
const create = () => createTraces(() => nowMs)

test('a span that comes first is written on the row of its connection, and on no other', () => {
  const traces = create()
  assert.deepEqual(traces.span(span(1), called(40_001)), { state: 'none' })
  assert.equal(rowOf(traces, row(2)), undefined)
  assert.equal(rowOf(traces, row(1))?.traceId, 'trace-1')
})

test('a span whose connection was written already names it', () => {
  const traces = create()
  rowOf(traces, row(1))
  rowOf(traces, row(2))
  assert.deepEqual(traces.span(span(1), called(40_002)), { state: 'found', id: [2, 1] })
})

test('a caller is found by its own port, or by its process when it has one connection there', () => {
  const traces = create()
  rowOf(traces, row(1))
  assert.deepEqual(traces.span(span(1), caller(7)), { state: 'found', id: [1, 1] })
  rowOf(traces, row(2))
  assert.deepEqual(traces.span(span(2), caller(7)), { state: 'ambiguous' })
  assert.deepEqual(traces.span(span(3), caller(7, 40_002)), { state: 'found', id: [2, 1] })
  assert.deepEqual(traces.span(span(4), caller(8)), { state: 'none' })
})

test('of two connections of one process neither is given the trace that could be of the other', () => {
  const traces = create()
  rowOf(traces, row(1))
  traces.span(span(1), caller(7))
  assert.equal(rowOf(traces, row(2)), undefined)
  assert.equal(rowOf(traces, row(1, { timeMs: nowMs + 100 })), undefined)
})

test('a connection of another time with the same ports is another connection', () => {
  const traces = create()
  rowOf(
    traces,
    row(1, { startMs: nowMs - 90_000, timeMs: nowMs - 60_000, reportedMs: nowMs - 60_000 }),
  )
  assert.deepEqual(traces.span(span(1), called(40_001)), { state: 'none' })
  assert.equal(rowOf(traces, row(1, { id: [9, 9] }))?.traceId, 'trace-1')
  assert.equal(rowOf(traces, row(1, { id: [8, 8], startMs: nowMs + 90 })), undefined)
})

test('only intervals of the connection that a span overlaps are given its trace', () => {
  const traces = create()
  traces.span(span(1, -3_500, -2_500), called(40_001))
  const long = { startMs: nowMs - 10_000 }
  const found = [-5_000, -4_000, -3_000, -2_000, -1_000].map(
    (ms) => rowOf(traces, row(1, { ...long, timeMs: nowMs + ms }))?.traceId,
  )
  assert.deepEqual(found, [undefined, undefined, 'trace-1', 'trace-1', undefined])
})

test('spans and connections are forgotten', () => {
  let ms = nowMs
  const traces = createTraces(() => ms)
  for (let mark = 0; mark < 1_000; mark++) {
    rowOf(traces, row(mark))
    traces.span(span(mark), called(40_000 + mark))
  }
  ms += 60_001
  traces.sweep()
  assert.equal(traces.size().spans, 0)
  ms += 60_000
  traces.sweep()
  assert.deepEqual(traces.size(), { spans: 0, connections: 0 })
})

test('more spans than there is room for push out the oldest', () => {
  const traces = create()
  for (let mark = 0; mark < 50_010; mark++) traces.span(span(mark), called(1 + (mark % 60_000)))
  assert.equal(traces.size().spans, 50_000)
})

test('the trace of the next call was on the connection of the call before, which was still closing', () => {
  const traces = create()
  const first = row(1, { startMs: nowMs - 155, timeMs: nowMs - 84 })
  const second = row(2, { startMs: nowMs - 84, timeMs: nowMs - 80 })
  traces.span(span(1, -158, -86), caller(7))
  traces.span(span(2, -86, -80), caller(7))
  assert.deepEqual(traces.rows([first, second]), [undefined, undefined])
  traces.span(span(1, -158, -86), called(40_001))
  traces.span(span(2, -86, -80), called(40_002))
  const found = traces.rows([second, first]).map((one) => one?.traceId)
  assert.deepEqual(found, ['trace-2', 'trace-1'])
})

test('a caller was given its old connection while the new one was not reported yet', () => {
  const traces = create()
  rowOf(traces, row(1, { timeMs: nowMs - 400, reportedMs: nowMs - 400 }))
  assert.deepEqual(traces.span(span(1, -380, -370), caller(7)), { state: 'ambiguous' })
  rowOf(traces, row(1))
  assert.deepEqual(traces.span(span(2, -380, -370), caller(7)), { state: 'found', id: [1, 1] })
})

test('what a called process says of a connection comes before what its caller could mean', () => {
  const traces = create()
  traces.span(span(1, -1_000, -500), called(40_001))
  traces.span(span(2, -900, -400), caller(7))
  assert.equal(rowOf(traces, row(1))?.traceId, 'trace-1')
})
