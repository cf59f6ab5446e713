// Open connections are those that a list of all rows says are open, after any rows, losses and times.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { metricsOf } from '../../common/exposition/mod.ts'
import { appendRow } from '../model/append.ts'
import { createBatch } from '../model/columns.ts'
import { exportedMetrics } from '../model/exported-metrics.ts'
import { flowTable } from '../model/flow-fields.ts'
import { openForMs } from './open-connections.ts'
import { createSeriesSet } from './series-set.ts'

const metrics = exportedMetrics.filter(({ op }) => op === 'open')
const event = fc.record({
  id: fc.integer({ min: 1, max: 30 }),
  workload: fc.constantFrom('a', 'b'),
  ended: fc.boolean(),
})
/** Rows of one moment, and how long after the one before. */
const step = fc.record({
  rows: fc.array(event, { minLength: 1, maxLength: 20 }),
  laterMs: fc.constantFrom(0, 16_000, 60_000, openForMs),
})

test('open connections are counted as a list of all rows counts them', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const choice = { dialect: 'obi', labels: ['src_workload'] } as const
      const set = createSeriesSet({ ...choice, metrics, seriesMax: 10, expiryMs: 1e9 })
      const truth = new Map<number, { workload: string; lastMs: number }>()
      let nowMs = 0
      for (const { rows, laterMs } of steps) {
        // Who went without an end is looked for every 15 s at most.
        nowMs += laterMs
        for (const [id, { lastMs }] of truth) if (nowMs - lastMs >= openForMs) truth.delete(id)
        const batch = createBatch(flowTable, rows.length)
        for (const { id, workload, ended } of rows) {
          // Some differ in the upper half of their ids alone.
          const connection = (BigInt(id % 4) << 32n) | BigInt(id >> 2)
          const own = { view: 'socket', counted: true, connection_id: connection }
          appendRow(batch, { ...own, src_workload: workload, ...(ended ? { end: 1n } : {}) })
          if (ended) truth.delete(id)
          else truth.set(id, { workload: truth.get(id)?.workload ?? workload, lastMs: nowMs })
        }
        set.take(batch, nowMs)
      }
      const { text } = metricsOf([...set.families(nowMs)])
      for (const workload of ['a', 'b']) {
        const open = [...truth.values()].filter((one) => one.workload === workload).length
        const line = text
          .split('\n')
          .find((one) =>
            one.startsWith(`weir_tcp_active_connections{k8s_src_owner_name="${workload}"}`),
          )
        assert.equal(Number(line?.split(' ')[1] ?? 0), open)
      }
    }),
  )
})
