// What the tests of the page over an invented Weir share: one browser per file, a Weir and a page per test.

import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { until } from '../traffic/mod.ts'
import { browserMissing, startBrowser, withPage } from './browser.ts'
import { type FakeWeir, startFakeWeir } from './weir.fake.ts'
import type { World } from './world.fake.ts'

/** Why the tests are skipped; false when they are not. */
export const skip = browserMissing() ?? false

/** One for all tests: each has a context of its own in it. */
let browser: Browser

before(async () => {
  if (!skip) browser = await startBrowser()
})

after(() => browser?.close())

/** A page over a world of its own, on a free port or on `port`; `work` begins before anything was asked for. */
export async function look(
  change: Partial<World>,
  work: (page: Page, weir: FakeWeir, answered: () => Promise<void>) => Promise<void>,
  port = 0,
): Promise<void> {
  const weir = await startFakeWeir(change, port)
  try {
    await withPage(browser, async ({ page, complaints, answered }) => {
      await work(page, weir, answered)
      // Chromium itself logs every answer that is an error, and every request that gets none.
      const own = complaints.filter((line) => !/Failed to load resource/.test(line))
      assert.deepEqual(own, [])
    })
  } finally {
    await weir.stop()
  }
}

/**
 * Opens a path of a page whose clock stands still but where a test moves it, and waits for an element. A clock that is only
 * installed goes on by itself: a page that a busy machine shows late has asked twice by then.
 */
export async function openStill(
  page: Page,
  weir: FakeWeir,
  path: string,
  element: string,
): Promise<void> {
  await page.clock.install({ time: weir.world.nowMs - 3_600_000 })
  await page.clock.pauseAt(weir.world.nowMs)
  await page.goto(weir.base + path)
  await until(element, async () => {
    await page.clock.runFor(10) // Frames and effects need some time.
    return (await page.locator(element).count()) > 0
  })
}

/** Lets time pass for the page and its Weir, a second at a time, until `done`. */
export async function passUntil(
  what: string,
  page: Page,
  weir: FakeWeir,
  done: () => boolean | Promise<boolean>,
): Promise<void> {
  await until(what, async () => {
    if (await done()) return true
    weir.world.nowMs += 1000
    await page.clock.runFor(1000)
    return done()
  })
}

/** What stands in each element of the selector. */
export const shown = (page: Page, selector: string) => page.locator(selector).allInnerTexts()
