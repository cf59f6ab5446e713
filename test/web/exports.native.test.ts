// The panel of exports on the page of nodes: what waits, for whom, and why.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../traffic/mod.ts'
import { look, shown, skip } from './look.ts'

const row = {
  name: 'warehouse',
  kind: 'postgresql',
  target: 'postgresql://weir@db:5432/net',
  tables: ['flows'],
  state: 'retrying',
  lag_rows: 4321,
  lag_ms: 61_000,
  rows: 7,
  filtered_rows: 0,
  lost_rows: 3,
  repeated_rows: 0,
  failures: 4,
  last_success: null,
  last_error: 'connection <b>refused</b>',
  last_error_time: '2026-11-21T06:30:00.000Z',
}

test('a receiver that is away shows with its lag, its losses and its error', { skip }, () =>
  look({ exports: [row] }, async (page, weir) => {
    await page.goto(`${weir.base}/nodes`)
    const panel = 'section[aria-labelledby=exports] tbody tr'
    await page.locator(panel).first().waitFor()
    const [text = ''] = await shown(page, panel)
    for (const part of ['warehouse', 'retrying', '4321', 'connection <b>refused</b>']) {
      assert.ok(
        text.replaceAll(/[\s,\u202f]/g, '').includes(part.replaceAll(' ', '')),
        `${part}: ${text}`,
      )
    }
  }),
)

test('without exports there is no panel', { skip }, () =>
  look({}, async (page, weir) => {
    weir.requests()
    await page.goto(`${weir.base}/nodes`)
    await until('the question', () => weir.requests().some((url) => url.startsWith('/api/exports')))
    await page.locator('#programs').waitFor()
    assert.equal(await page.locator('#exports').count(), 0)
  }),
)
