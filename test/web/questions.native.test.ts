// What the page asks its Weir and when, in Chromium, over an invented Weir: as little as it can, and nothing twice.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { until } from '../traffic/mod.ts'
import { look, openStill, passUntil, shown, skip } from './look.ts'
import type { FakeRow, World } from './world.fake.ts'

test('each page asks at its load for what it shows, each thing once', { skip }, () =>
  look({}, async (page, weir, answered) => {
    const expected = {
      '/': [
        '/api/events/series',
        '/api/fields',
        '/api/programs',
        '/api/series',
        '/api/top',
        '/health',
      ],
      '/flows': ['/api/fields', '/api/flows', '/api/live', '/health'],
      '/events': ['/api/events', '/api/events/top', '/api/fields', '/api/live', '/health'],
      '/nodes': [
        '/api/exports',
        '/api/fields',
        '/api/ledger',
        '/api/programs',
        '/api/top',
        '/health',
      ],
    }
    for (const [path, questions] of Object.entries(expected)) {
      await page.goto('about:blank')
      weir.requests()
      await openStill(page, weir, path, 'tbody tr')
      await answered()
      await page.clock.runFor(1000)
      await answered()
      const asked = weir.requests().map((url) => url.split('?')[0])
      assert.deepEqual(asked.sort(), questions, path)
    }
  }),
)

test(
  'a table whose rows are pushed is asked for each half minute, and shows each row once',
  { skip },
  () =>
    look({ connections: 3 }, async (page, weir, answered) => {
      await openStill(page, weir, '/flows', 'tr.row')
      await until('a listener', () => weir.live.listeners() > 0)
      await answered()
      weir.requests()
      let asked = 0
      for (let n = 0; n < 40; n++) {
        weir.world.nowMs += 1000
        await page.clock.runFor(1000)
        await answered()
        asked += weir.requests().filter((path) => path.startsWith('/api/flows')).length
      }
      assert.ok(asked >= 1 && asked <= 2, `${asked} questions in 40 s`)
      const answer = (await (await fetch(`${weir.base}/api/flows?limit=20`)).json()) as {
        rows: { time: string }[]
      }
      await until('the newest rows, each once', async () => {
        await page.clock.runFor(1000)
        const times = await page
          .locator('tr.row time')
          .evaluateAll((all: { title: string }[]) => all.slice(0, 20).map(({ title }) => title))
        return times.join() === answer.rows.map(({ time }) => time).join()
      })
    }),
)

/** The second connection's row as another half of the first one's row: only the observer differs. */
function halves(): World['dress'] {
  let first: FakeRow = {}
  return (row, at) => {
    if (at === 0) first = row
    return at === 0 ? row : { ...first, observer: 'dst' }
  }
}

test('a row that only its observer tells from a known one is new', { skip }, () =>
  look({ connections: 2 }, async (page, weir, answered) => {
    await page.clock.install({ time: weir.world.nowMs })
    await page.goto(`${weir.base}/flows`)
    const times = page.locator('tr.row time')
    await times.first().waitFor()
    const before = await times.first().getAttribute('title')
    let newest = before
    weir.world.dress = halves()
    await passUntil('a newer row', page, weir, async () => {
      await answered()
      newest = await times.first().getAttribute('title')
      return newest !== before
    })
    assert.equal(await page.locator(`tr.row time[title="${before}"]`).count(), 2)
  }),
)

test('a hidden tab asks for nothing, and for the newest when it is looked at', { skip }, () =>
  look({}, async (page, weir, answered) => {
    await page.clock.install({ time: weir.world.nowMs })
    await page.goto(weir.base)
    await page.locator('.edges tbody tr').first().waitFor()
    await hide(page, true)
    await page.clock.runFor(60_000)
    // What was asked before may still be under way.
    await answered()
    weir.requests()
    await page.clock.runFor(600_000)
    assert.deepEqual(weir.requests(), [])
    await hide(page, false)
    await until('questions', () => weir.requests().length > 0)
  }),
)

test('what has not changed is not sent again', { skip }, () =>
  look({}, async (page, weir, answered) => {
    weir.world.tagged = true
    await openStill(page, weir, '/', '.edges tbody tr')
    await page.clock.runFor(1000)
    // The rows are there before the last answers of the load are.
    await answered()
    const before = weir.bytes()
    weir.requests()
    let asked = 0
    for (let n = 0; n < 100 && asked < 12; n++) {
      await page.clock.runFor(2000)
      await answered()
      asked += weir.requests().length
    }
    assert.ok(asked >= 12, `only ${asked} questions`)
    assert.ok(weir.bytes() - before < 2000, `${weir.bytes() - before} bytes for nothing new`)
    assert.match((await shown(page, '.bar')).join(), /Live.*100 %/s)
  }),
)

/** As a browser tells its page that nobody looks at it. */
async function hide(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate(`(() => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${hidden} })
    document.dispatchEvent(new Event('visibilitychange'))
  })()`)
}
