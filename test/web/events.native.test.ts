// The page of events in Chromium: kinds, drops explained, what the server pushes, what came too fast.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dropReasons } from '../../wire/mod.ts'
import { until } from '../traffic/mod.ts'
import { eventRow } from './events.fake.ts'
import { look, passUntil, shown, skip } from './look.ts'

const row = 'tr.row'

/** Of the page's time: it stays the newest row however long it takes to arrive. */
const aheadMs = 3_600_000

test('tabs are the kinds with their counts, and in the URL', { skip }, () =>
  look({}, async (page, weir) => {
    await page.goto(`${weir.base}/events`)
    await page.locator(row).first().waitFor()
    await until('counts', async () =>
      /All 4\d\d|All\s*\d/.test((await shown(page, '.tabs')).join()),
    )
    assert.equal(new Set(await shown(page, `${row} .c-kind bdi`)).size, 4, 'all kinds in one list')
    await page.locator('.tabs button', { hasText: 'Resets' }).click()
    await page.waitForURL(/\/events\?kind=reset$/)
    await until('resets alone', async () => {
      const words = await shown(page, `${row} .c-what bdi`)
      return words.length > 0 && words.every((word) => word === 'received established')
    })
    await page.reload()
    await page.locator(row).first().waitFor()
    // Its count comes later.
    const pressed = await page.locator('.tabs [aria-pressed=true]').textContent()
    assert.match(pressed ?? '', /^Resets/)
  }),
)

test(
  'what the server pushes enters at the top, waits while the view is held, and is no question',
  { skip },
  () =>
    look({}, async (page, weir, answered) => {
      await page.clock.install({ time: weir.world.nowMs })
      await page.goto(`${weir.base}/events?kind=connection`)
      await page.locator(row).first().waitFor()
      await until('a listener', () => weir.live.listeners() > 0)
      await answered()
      weir.requests()
      const beganMs = weir.world.nowMs
      const push = (nth: number, process: string) =>
        weir.live.push({
          ...eventRow(weir.world.nowMs + aheadMs + nth, 'connection', nth),
          src_process: process,
        })
      push(1, 'pushed-one')
      await passUntil('the pushed row', page, weir, async () =>
        /pushed-one/.test((await shown(page, `${row} .c-src`))[0] ?? ''),
      )
      const halfMinutes = Math.ceil((weir.world.nowMs - beganMs) / 30_000)
      const questions = weir.requests().filter((url) => url.startsWith('/api/events?')).length
      assert.ok(questions <= halfMinutes, 'it was asked for, not pushed')
      await page.keyboard.press('l')
      push(2, 'pushed-two')
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

test('a filter goes to the server that pushes, as one text', { skip }, () =>
  look({}, async (page, weir) => {
    await page.goto(`${weir.base}/events?kind=drop&group=none&dst_port=5432&filter=node+%3D+lab`)
    await page.locator(row).first().waitFor()
    await until('the listener', () => weir.live.listeners() > 0)
    const asked = weir.requests().find((url) => url.startsWith('/api/live')) ?? ''
    const query = new URL(asked, weir.base).searchParams
    assert.equal(query.get('filter'), 'kind = drop and dst_port = 5432 and (node = lab)')
    assert.equal(query.get('table'), 'events')
  }),
)

test('a reader that is too slow is shown how much it does not see', { skip }, () =>
  look({}, async (page, weir) => {
    await page.goto(`${weir.base}/events?kind=retransmit`)
    await page.locator(row).first().waitFor()
    await until('the listener', () => weir.live.listeners() > 0)
    weir.live.lose(1234)
    await page.locator('.missed').waitFor()
    assert.match((await shown(page, '.missed')).join(), /1\u2009234 events came faster/)
  }),
)

test(
  'drops are reasons with their packets; one opens its explanation, and its rows',
  { skip },
  () =>
    look({}, async (page, weir) => {
      await page.goto(`${weir.base}/events?kind=drop`)
      await page.locator('.reasons tbody tr').first().waitFor()
      const answer = (await (
        await fetch(`${weir.base}/api/events/top?kind=drop&by=reason`)
      ).json()) as { rows: { reason: string; count: number }[] }
      assert.deepEqual(
        await page
          .locator('.reasons td.c-count')
          .evaluateAll((cells: { title: string }[]) =>
            cells.map(({ title }) => title.replace(/\D/g, '')),
          ),
        answer.rows.map(({ count }) => String(count)),
      )
      await page.locator('.reasons button', { hasText: 'NETFILTER_DROP' }).click()
      await page.waitForURL(/select=NETFILTER_DROP/)
      const panel = page.locator('.side')
      await panel.locator('canvas').waitFor()
      const { title, meaning, next } = dropReasons['NETFILTER_DROP'] ?? assert.fail('no words')
      await until('the words', async () => (await panel.textContent())?.includes(title) === true)
      for (const text of [meaning, ...next]) {
        assert.ok((await panel.textContent())?.includes(text), text)
      }
      assert.ok((await shown(page, '.reasons .c-means')).includes(title), 'in the list too')
      await panel.locator('.next a').click()
      await page.waitForURL(/group=none&?.*/)
      const asked = new URL(page.url()).searchParams
      assert.deepEqual(
        [asked.get('kind'), asked.get('filter')],
        ['drop', 'reason = NETFILTER_DROP'],
      )
      await page.goBack()
      for (const evidence of [/nf_hook_slow\+0x4/, /192\.0\.2\.10.*→.*192\.0\.2\.20.*:5432/]) {
        await until('the evidence', async () => evidence.test((await panel.textContent()) ?? ''))
      }
      await panel.locator('button', { hasText: 'One by one' }).click()
      await page.waitForURL(/group=none/)
      await page.locator(row).first().waitFor()
      assert.match(page.url(), /reason=NETFILTER_DROP/)
    }),
)

test('an event opens in full, and leads to its connection', { skip }, () =>
  look({}, async (page, weir) => {
    await page.goto(`${weir.base}/events?kind=connection`)
    await page.locator(row).first().click()
    const panel = page.locator('.side')
    await panel.waitFor()
    assert.match((await panel.textContent()) ?? '', /attempt refused ECONNREFUSED/)
    await page.reload()
    await panel.locator('dt').first().waitFor()
    await panel.locator('button', { hasText: 'Its connection' }).click()
    await page.waitForURL(/\/flows\?.*connection_id=10000001/)
  }),
)

test('every width shows the events without scrolling sideways', { skip }, () =>
  look({}, async (page, weir) => {
    for (const path of ['/events', '/events?kind=drop', '/events?kind=drop&select=NO_SOCKET']) {
      for (const width of [360, 390, 719, 720, 1280]) {
        await page.setViewportSize({ width, height: 800 })
        await page.goto(weir.base + path)
        await page.locator('tbody tr:not(.spacer-row)').first().waitFor()
        assert.equal(
          await page.evaluate('document.documentElement.scrollWidth'),
          width,
          `${path} ${width}`,
        )
      }
    }
  }),
)

test('that nothing was dropped is said only where the probe ran', { skip }, async () => {
  const future = '/events?kind=drop&from=2030-01-01T00:00:00Z&to=2030-01-01T01:00:00Z'
  await look({}, async (page, weir) => {
    await page.goto(weir.base + future)
    await page.locator('.state', { hasText: 'The kernel dropped no packet.' }).waitFor()
  })
  await look({ blind: true }, async (page, weir) => {
    for (const path of [future, `${future}&group=none`]) {
      await page.goto(weir.base + path)
      await page.locator('.state', { hasText: 'no node ran the probe “drop”' }).waitFor()
    }
  })
})

test('drops and resets are figures of the overview, and no zero where nobody looks', {
  skip,
}, async () => {
  await look({}, async (page, weir) => {
    await page.goto(weir.base)
    await page.locator('.kpi canvas').nth(7).waitFor()
    const drops = page.locator('.kpi', { hasText: 'Drops' })
    assert.match(
      ((await drops.locator('.val').textContent()) ?? '').replaceAll(/\s+/g, ' '),
      /^(?:1|0\.\d+) ?\/s/,
    )
    await page.goto(`${weir.base}/?filter=rtt+%3E+5ms`)
    await drops.locator('.state', { hasText: 'The filter is about connections alone.' }).waitFor()
  })
  await look({ blind: true }, async (page, weir) => {
    await page.goto(weir.base)
    await page
      .locator('.kpi', { hasText: 'Drops' })
      .locator('.state', { hasText: 'Not measured' })
      .waitFor()
  })
})
