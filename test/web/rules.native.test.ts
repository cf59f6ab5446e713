// The page of rules and the view of packets in Chromium: what is loaded where, live counters, what goes by itself; points
// and bars of packets by label. On a wide and on a narrow screen, in both themes.

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { Page } from 'playwright-core'
import { ruleTable } from '../../wire/mod.ts'
import { until } from '../traffic/mod.ts'
import { look, passUntil, shown, skip } from './look.ts'
import { blank, type FakeRow, iso } from './world.fake.ts'

const eth0: FakeRow = {
  ...blank(ruleTable),
  node: 'edge-1',
  interface: 'eth0',
  netns: 7,
  mode: 'native',
  program_id: 41,
  rules: 3,
  protect: true,
  shadow: false,
  expires: null,
  confirm_by: null,
}

function rulesAt(nowMs: number, packets: number): readonly FakeRow[] {
  const office = 'pass from 10.0.0.0/8 proto tcp port 80-443 label 10'
  return [
    { ...eth0, rank: 0, packets: packets * 3, dropped: packets, confirm_by: iso(nowMs + 60_000) },
    { ...eth0, rank: 1, rule: office, action: 'pass', label: '10', packets: 7, bytes: 4200 },
    {
      ...eth0,
      rank: 2,
      rule: 'drop from 192.0.2.0/24 label 40',
      action: 'drop',
      label: '40',
      packets,
      dropped: packets,
      expires: iso(nowMs + 3_600_000),
    },
    {
      ...eth0,
      rank: 3,
      rule: 'drop from 198.51.100.0/24 shadow',
      action: 'drop',
      shadow: true,
      packets: 5,
      dropped: 5,
    },
    { ...eth0, node: 'edge-2', mode: 'gone', protect: false, rules: 0, rank: 0 },
  ]
}

/** Pictures for people when WEIR_PICTURES names a folder. */
async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['WEIR_PICTURES']
  if (folder === undefined) return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}

/** Nothing is wider than the screen. */
async function fits(page: Page, width: number): Promise<void> {
  await page.setViewportSize({ width, height: 844 })
  const wide = await page.evaluate('document.documentElement.scrollWidth')
  assert.ok(Number(wide) <= width, `${wide} px on a screen of ${width}`)
}

test('the page of rules shows what is loaded where, and its counters live', { skip }, () =>
  look({ rules: [] }, async (page, weir) => {
    await page.clock.install({ time: weir.world.nowMs })
    weir.world.rules = rulesAt(weir.world.nowMs, 8)
    await page.goto(`${weir.base}/`)
    await page.locator('.nav', { hasText: 'Rules' }).click()
    await page.locator('table.rules').waitFor()
    assert.equal(new URL(page.url()).pathname, '/rules')
    assert.deepEqual(await shown(page, 'table.rules .c-rule'), [
      'pass from 10.0.0.0/8 proto tcp port 80-443 label 10',
      'drop from 192.0.2.0/24 label 40',
      'drop from 198.51.100.0/24 shadow',
    ])
    assert.deepEqual(await shown(page, 'table.rules .c-dropped'), ['0', '8', 'would drop 5'])
    const [head = ''] = await shown(page, '.panel header .sub')
    assert.match(head, /3 rules · native mode · 24 packets in, 8 dropped · 0 protected/)
    const banners = (await shown(page, '.banner')).join('\n')
    assert.match(banners, /taken back in \d?\d\.\d\ss unless somebody confirms them/)
    assert.match(banners, /The interface was deleted/)
    assert.match(banners, /Nothing is protected/)
    await picture(page, 'rules-light')
    weir.world.rules = rulesAt(weir.world.nowMs, 900)
    await passUntil('the new counters', page, weir, async () =>
      (await shown(page, 'table.rules .c-dropped')).includes('900'),
    )
    await fits(page, 390)
    await picture(page, 'rules-390')
    await page.emulateMedia({ colorScheme: 'dark' })
    await picture(page, 'rules-390-dark')
  }),
)

test('a Weir without rules says how to load some', { skip }, () =>
  look({}, async (page, weir) => {
    await page.goto(`${weir.base}/rules`)
    await page.locator('.state', { hasText: 'No node has rules at XDP' }).waitFor()
    await fits(page, 390)
  }),
)

test('packets stand by size and time, a label is a filter', { skip }, () =>
  look({}, async (page, weir) => {
    await page.goto(`${weir.base}/events?kind=packet`)
    await page.locator('tr.row').first().waitFor()
    const classesNow = () =>
      page
        .locator('.points .point')
        .evaluateAll((points) =>
          points.map((point) =>
            String((point as unknown as { className: { baseVal: string } }).className.baseVal),
          ),
        )
    // A row may be there before the points of all of them.
    await until('points of every label', async () => {
      const classes = [...new Set(await classesNow())].sort()
      return isDeepStrictEqual(classes, ['point s1', 'point s2', 'point so'])
    })
    await until('the bars', async () => (await shown(page, '.labels li')).length === 3)
    const labels = await shown(page, '.labels li button')
    assert.deepEqual(labels.toSorted(), ['10', '20', 'no label'])
    await picture(page, 'packets-light')
    await page.emulateMedia({ colorScheme: 'dark' })
    await picture(page, 'packets-dark')
    await page.locator('.labels button', { hasText: '20' }).click()
    await page.waitForURL(/label=20/)
    await fits(page, 390)
    await picture(page, 'packets-390-dark')
  }),
)
