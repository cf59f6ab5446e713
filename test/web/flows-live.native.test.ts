// The page of flows in Chromium: rows are pushed by the server; where they cannot be, the page asks.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { until } from '../traffic/mod.ts'
import { look, passUntil, shown, skip } from './look.ts'
import type { FakeWeir } from './weir.fake.ts'

const row = 'tr.row'
const firstProcess = async (page: Page) => (await shown(page, `${row} .c-src`))[0] ?? ''
const questions = (weir: FakeWeir) =>
  weir.requests().filter((url) => url.startsWith('/api/flows?')).length

/** Of the page's time: it stays the newest row however long it takes to arrive. */
const aheadMs = 3_600_000

/** The newest row of the answer, made newer and another process's. */
async function push(weir: FakeWeir, process: string, nth: number): Promise<void> {
  const answer = (await (await fetch(`${weir.base}/api/flows?limit=1`)).json()) as {
    rows: Record<string, unknown>[]
  }
  weir.requests()
  const time = new Date(weir.world.nowMs + aheadMs + nth).toISOString().replace('Z', '000000Z')
  weir.live.push({ ...answer.rows[0], time, src_process: process, connection_id: `9${nth}` })
}

test(
  'a row that is pushed enters at the top, waits while the view is held, and is no question',
  { skip },
  () =>
    look({}, async (page, weir, answered) => {
      await page.clock.install({ time: weir.world.nowMs })
      await page.goto(`${weir.base}/flows`)
      await page.locator(row).first().waitFor()
      await until('a listener', () => weir.live.listeners() > 0)
      await answered()
      const beganMs = weir.world.nowMs
      await push(weir, 'pushed-one', 1)
      await passUntil('the pushed row', page, weir, async () =>
        /pushed-one/.test(await firstProcess(page)),
      )
      const halfMinutes = Math.ceil((weir.world.nowMs - beganMs) / 30_000)
      assert.ok(questions(weir) <= halfMinutes, 'it was asked for, not pushed')
      await page.keyboard.press('l')
      await push(weir, 'pushed-two', 2)
      await passUntil('the count of what waits', page, weir, async () =>
        /1 new/.test((await shown(page, '.live-switch')).join()),
      )
      assert.doesNotMatch((await shown(page, `${row} .c-src`)).join(), /pushed-two/)
      await page.keyboard.press('l')
      await passUntil('the row that waited', page, weir, async () =>
        /pushed-two/.test((await shown(page, `${row} .c-src`)).join()),
      )
    }),
)

test(
  'when nothing is pushed any more the page asks each interval, until it is pushed again',
  { skip },
  () =>
    look({}, async (page, weir) => {
      await page.clock.install({ time: weir.world.nowMs })
      await page.goto(`${weir.base}/flows`)
      await page.locator(row).first().waitFor()
      await until('a listener', () => weir.live.listeners() > 0)
      weir.live.refuse(true)
      let asked = 0
      await passUntil('three questions', page, weir, () => {
        asked += questions(weir)
        return asked >= 3
      })
      weir.live.refuse(false)
      await passUntil('the listener again', page, weir, () => weir.live.listeners() > 0)
      await push(weir, 'pushed-again', 1)
      await passUntil('the pushed row', page, weir, async () =>
        /pushed-again/.test((await shown(page, `${row} .c-src`)).join()),
      )
    }),
)

test('rows in another order are asked for', { skip }, () =>
  look({}, async (page, weir) => {
    await page.clock.install({ time: weir.world.nowMs })
    await page.goto(`${weir.base}/flows?order=-bytes`)
    await page.locator(row).first().waitFor()
    let asked = 0
    await passUntil('two questions', page, weir, () => {
      asked += questions(weir)
      return asked >= 2
    })
    assert.equal(weir.live.listeners(), 0)
  }),
)
