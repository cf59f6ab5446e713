// The page open for ten minutes of its own time: neither its memory nor its document may grow. The clocks of the
// browser and of the invented Weir move together, so each timer fires and each answer is another one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { browserMissing, withBrowser } from './browser.ts'
import { type FakeWeir, startFakeWeir } from './weir.fake.ts'

const skip = browserMissing() ?? false
/** No page asks more often. */
const tickMs = 5000
const minutesOf = (n: number) => (n * 60_000) / tickMs

/** What a page may have more after ten minutes than after one: the rows of 30 s, and the browser's noise. */
const margin = { heapBytes: 1e6, nodes: 300, listeners: 40 }

interface Size {
  readonly heapBytes: number
  readonly nodes: number
  readonly listeners: number
}

for (const [path, first] of [
  ['/', '.kpi canvas'],
  ['/flows', 'tr.row'],
  ['/events', 'tr.row'],
  ['/events?kind=drop', '.reasons tbody tr'],
  ['/nodes', '.ledger tbody tr'],
] as const) {
  test(`${path} does not grow while it is open: ten minutes live`, { skip }, async (context) => {
    const weir = await startFakeWeir()
    try {
      await withBrowser(async ({ page, complaints, answered }) => {
        await page.clock.install({ time: weir.world.nowMs })
        await page.goto(weir.base + path)
        await page.locator(first).first().waitFor()
        await live({ page, weir, answered }, minutesOf(1))
        const before = await sizeOf(page)
        await live({ page, weir, answered }, minutesOf(10))
        const after = await sizeOf(page)
        context.diagnostic(`after 1 min ${JSON.stringify(before)}, 11 min ${JSON.stringify(after)}`)
        for (const name of ['heapBytes', 'nodes', 'listeners'] as const) {
          const grown = after[name] - before[name]
          assert.ok(grown <= margin[name], `${name} grew by ${grown}, beyond ${margin[name]}`)
        }
        assert.deepEqual(complaints, [])
      })
    } finally {
      await weir.stop()
    }
  })
}

interface Open {
  readonly page: Page
  readonly weir: FakeWeir
  readonly answered: () => Promise<void>
}

/** Lets time pass in ticks; every answer has arrived and is drawn before the next one. */
async function live({ page, weir, answered }: Open, ticks: number): Promise<void> {
  let asked = 0
  for (let n = 0; n < ticks; n++) {
    weir.world.nowMs += tickMs
    await page.clock.runFor(tickMs)
    await answered()
    asked += weir.requests().length
  }
  assert.ok(asked > ticks / 10, `the page asked ${asked} times in ${ticks} ticks: it is not live`)
}

/** After a forced collection: what is still held. */
async function sizeOf(page: Page): Promise<Size> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable')
  for (let n = 0; n < 3; n++) await session.send('HeapProfiler.collectGarbage')
  const { metrics } = await session.send('Performance.getMetrics')
  await session.detach()
  const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN
  return {
    heapBytes: of('JSHeapUsedSize'),
    nodes: of('Nodes'),
    listeners: of('JSEventListeners'),
  }
}
