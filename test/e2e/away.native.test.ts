// Central away: nothing is lost while the spool has room, and when it has none the loss is known to the row.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Api } from '../river.ts'
import { type Connection, type Lab, serverCase, until, withNamespaces } from '../traffic/mod.ts'
import { makeUntil, meet, watching, withAgent, withCentral } from './away.ts'
import { assertNoLoss, storyOf } from './compare.ts'

const awayIntervals = 120
const awayIntervalMs = 100

test(`central away for ${awayIntervals} intervals: not a row is missing`, () =>
  withNamespaces(2, (lab) =>
    withAgent(lab, { intervalMs: awayIntervalMs }, async ({ centralDir }) => {
      await meet(centralDir)
      const backMs = performance.now() + awayIntervals * awayIntervalMs
      const truths: Connection[] = []
      const rest = await serverCase('prefork', 5).begin(lab)
      while (performance.now() < backMs) {
        truths.push(...(await rest()))
        await new Promise((resolve) => setTimeout(resolve, 4 * awayIntervalMs))
      }
      await withCentral(centralDir, async (api) => {
        const total = truths.reduce((sum, { bytes }) => sum + bytes, 0)
        // The backlog comes at some eight frames a second: eight credits, and segments of one second.
        const rows = await until(
          'all rows',
          async () => {
            const found = await api.flows({ src_netns: lab.netns(0).inode })
            return found.filter((row) => row['end'] !== null).length === truths.length && found
          },
          120_000,
        )
        assert.equal(
          rows.reduce((sum, row) => sum + Number(row['bytes']), 0),
          total,
        )
        for (const truth of truths.slice(0, 5)) {
          assert.equal((await storyOf(api, lab, truth))?.bytes, truth.bytes)
        }
        const { coverage } = await api.get('/api/flows')
        assertNoLoss(coverage)
      })
    }),
  ))

test('a spool too small: what is stored and what is known lost make the truth', () =>
  withNamespaces(2, (lab) =>
    // Flows alone, and room for many ledgers: they go last, but a slow machine makes one per interval meanwhile.
    withAgent(lab, { spool: { octetsMax: 200_000 }, connectionEvents: 'off' }, async (agent) => {
      const { centralDir, lostBySpool } = agent
      await meet(centralDir)
      const rest = await serverCase('alone', 500).begin(lab)
      const made = await makeUntil('the spool to be full', rest, async () => {
        return (await lostBySpool()) > 0
      })
      await withCentral(centralDir, (api) => assertSpoolLoss(api, lab, made))
    }),
  ))

test('a ring too small: what is stored and what is known lost make the truth', () =>
  withNamespaces(2, (lab) =>
    withAgent(lab, { ringBytes: 4_096 }, ({ centralDir }) =>
      withCentral(centralDir, async (api) => {
        await watching(api)
        const rest = await serverCase('alone', 500).begin(lab)
        const made = await makeUntil('the ring to lose a record', rest, async () => {
          const { coverage } = await api.get('/api/flows', { from: '-5m' })
          return Object.keys(coverage.lost).length > 0
        })
        await assertKnownLoss(api, lab, made)
      }),
    ),
  ))

/**
 * Rows that entered the spool are stored or known to be lost, each once. A connection that was open at the end of an
 * interval has more than one row, so there are no fewer rows than connections.
 */
async function assertSpoolLoss(api: Api, lab: Lab, made: number): Promise<void> {
  let now = ''
  const seen = await until(
    () => `stored + lost = entered: ${now}`,
    async () => {
      const range = { from: '-5m', to: 'now' }
      const rows = await api.flows({ ...range, src_netns: lab.netns(0).inode })
      const ledger = await api.get('/api/ledger', { ...range, stage: 'spool', table: 'flows' })
      const sum = (name: string) =>
        ledger.rows.reduce((total, row) => total + (row['cause'] === '' ? Number(row[name]) : 0), 0)
      const [entered, lost, waiting] = [sum('entered'), sum('lost'), sum('waiting')]
      const isWhole = entered >= made && waiting === 0 && rows.length + lost === entered
      now = JSON.stringify({ stored: rows.length, lost, entered, waiting, made })
      return isWhole && { rows, lost }
    },
  )
  assert.ok(seen.lost > 0, 'nothing was lost, so nothing was shown')
  const ended = seen.rows.filter((row) => row['end'] !== null).length
  assert.ok(ended <= made, `${ended} ends of ${made} connections`)
  const { coverage } = await api.get('/api/flows', { from: '-5m', to: 'now' })
  assert.equal(coverage.lost['spool_full'], seen.lost)
  assert.equal(coverage.share, seen.rows.length / (seen.rows.length + seen.lost))
}

/** The share is the quotient of its own numbers, and those add up to what was made. */
async function assertKnownLoss(api: Api, lab: Lab, made: number): Promise<void> {
  let now = ''
  const seen = await until(
    () => `stored + lost = made: ${now}`,
    async () => {
      const range = { from: '-5m', to: 'now' }
      const rows = await api.flows({ ...range, src_netns: lab.netns(0).inode })
      // Asked for after the rows: once those and what is lost are complete, so is what it counts.
      const { coverage } = await api.get('/api/flows', range)
      const ended = rows.filter((row) => row['end'] !== null && row['end_reason'] !== 'unknown')
      const lost = Object.values(coverage.lost).reduce((sum, one) => sum + one, 0)
      now = JSON.stringify({ stored: ended.length, lost, made })
      return ended.length + lost === made && { rows: rows.length, lost, share: coverage.share }
    },
  )
  assert.ok(seen.lost > 0, 'nothing was lost, so nothing was shown')
  assert.equal(seen.share, seen.rows / (seen.rows + seen.lost))
}
