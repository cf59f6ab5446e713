// An agent whose socket probe does not open: nobody watches connections there, and every answer about them says so.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverCase, until, withNamespaces } from '../traffic/mod.ts'
import { watching, withAgent, withCentral } from './away.ts'

const range = { from: '-15m', to: 'now' } as const
/** Of the ring that the socket probe alone has: no power of two. */
const ringBytes = 12_288

test('a node whose socket probe is not open has a gap in its connections, and none in its drops', () =>
  withNamespaces(2, (lab) =>
    withAgent(lab, { ringBytes }, ({ centralDir }) =>
      withCentral(centralDir, async (api) => {
        await watching(api)
        const rest = await serverCase('alone', 20).begin(lab)
        assert.equal((await rest()).length, 20)
        const missed = { ...range, stage: 'agent', cause: 'not_open' }
        const intervals = async () => {
          const { rows } = await api.get('/api/ledger', missed)
          return rows.reduce((sum, { lost }) => sum + Number(lost), 0)
        }
        const before = await intervals()
        await until('two more intervals', async () => (await intervals()) >= before + 2)
        const { rows, coverage } = await api.get('/api/flows', range)
        assert.deepEqual([rows.length, coverage.share], [0, null])
        assert.deepEqual(
          coverage.gaps.map(({ node }) => node),
          ['away'],
        )
        const { coverage: ofDrops } = await api.get('/api/events', { ...range, kind: 'drop' })
        assert.deepEqual(ofDrops.gaps, [])
        const { coverage: ofEnds } = await api.get('/api/events', { ...range, kind: 'connection' })
        assert.equal(ofEnds.gaps.length, 1)
      }),
    ),
  ))
