import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFlowRecord } from './flow-record.ts'
import { timesOf, writeMs } from './moment.ts'

const receivedMs = Date.UTC(2026, 10, 29, 12)
const none = { endMs: 0, startMs: 0, isReplaced: false }

function found(values: object, clock: object = {}) {
  const times = { ...none }
  const whole = { receivedMs, exportMs: receivedMs, uptimeMs: -1, initMs: 0, ...clock }
  timesOf(Object.assign(createFlowRecord(), values), whole, times)
  const { endMs, startMs, isReplaced } = times
  return [endMs - receivedMs, startMs === 0 ? null : startMs - receivedMs, isReplaced]
}

test('times since the start of an exporter were 49 days off after its counter had wrapped', () => {
  const uptimeMs = 2_000
  const began = { startUptimeMs: 2 ** 32 - 3_000, endUptimeMs: 1_000 }
  assert.deepEqual(found(began, { uptimeMs }), [-1_000, -5_000, false])
  const initMs = receivedMs - 2 ** 32 - 2_000
  assert.deepEqual(found(began, { initMs }), [-1_000, -5_000, false])
})

test('the clock of an exporter that is a day off moves its times, in whole seconds', () => {
  const exportMs = receivedMs - 86_400_400
  const record = { startMs: exportMs - 9_000, endMs: exportMs - 1_000 }
  assert.deepEqual(found(record, { exportMs }), [-1_400, -9_400, false])
})

test('a time that cannot be gives way to the time at which the record came', () => {
  assert.deepEqual(found({ startMs: 5, endMs: 1_000 }), [0, null, true])
  assert.deepEqual(found({ endMs: receivedMs + 86_400_000 }), [0, null, true])
  assert.deepEqual(found({ startMs: receivedMs, endMs: receivedMs - 9 }), [-9, null, false])
  assert.deepEqual(found({}), [0, null, false])
})

test('milliseconds are nanoseconds in two halves', () => {
  const pair = new Uint32Array(2)
  for (const ms of [1, 1_764_374_400_123, 2 ** 41 + 1, Date.UTC(2200, 1, 1, 1, 1, 1, 999)]) {
    writeMs(pair, 0, ms)
    assert.equal(
      (BigInt(pair[1] as number) << 32n) | BigInt(pair[0] as number),
      BigInt(ms) * 1_000_000n,
    )
  }
})
