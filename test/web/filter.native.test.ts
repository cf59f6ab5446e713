// The filter box in Chromium: completion, mistakes under their characters, the URL, every page.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { pagePaths } from '../../api/contract/pages/mod.ts'
import { until } from '../traffic/mod.ts'
import { look, shown, skip } from './look.ts'
import type { FakeWeir } from './weir.fake.ts'

const input = '#filter-input'
const options = '.filter-pop .it .mono'

async function open(page: Page, weir: FakeWeir, path: string): Promise<void> {
  await page.goto(weir.base + path)
  await page.locator('tbody tr:not(.spacer-row)').first().waitFor()
}

test('fields, operators and values complete one after the other, by keys alone', { skip }, () =>
  look({}, async (page, weir) => {
    await open(page, weir, '/flows')
    await page.keyboard.press('/')
    await page.keyboard.type('dst_pro')
    await until('the field', async () => (await shown(page, options))[0] === 'dst_process')
    await page.keyboard.press('Tab')
    await until('operators', async () => (await shown(page, options)).includes('!='))
    await page.keyboard.type('= ')
    await until('values of the rows, most frequent first', async () => {
      return (await shown(page, options)).includes('postgres')
    })
    await page.keyboard.type('postg')
    await until('one value', async () => (await shown(page, options)).join() === 'postgres')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    assert.equal(await page.inputValue(input), 'dst_process = postgres ')
    weir.requests()
    await page.keyboard.press('Enter')
    await page.waitForURL(/filter=dst_process\+%3D\+postgres$/)
    await until('the question', () =>
      weir.requests().some((url) => /\/api\/flows\?.*filter=dst_process/.test(url)),
    )
    await page.goBack()
    await until('Back undoes it', async () => (await page.inputValue(input)) === '')
  }),
)

test('a choice takes the place of all that is typed, answered or not', { skip }, () =>
  look({}, async (page, weir) => {
    await open(page, weir, '/flows')
    await page.click(input)
    await page.keyboard.type('dst_process = po')
    await until('values', async () => (await shown(page, options)).includes('postgres'))
    await page.route('**/api/filter?**', () => {}) // no more answers
    await page.keyboard.type('stg')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    assert.equal(await page.inputValue(input), 'dst_process = postgres ')
    assert.deepEqual(await shown(page, options), [], 'an old list at a new place')
    await page.unrouteAll()
  }),
)

test(
  'a mistake is marked under its characters, does not run, and is corrected by a click',
  { skip },
  () =>
    look({}, async (page, weir) => {
      await open(page, weir, '/flows')
      weir.requests()
      await page.fill(input, 'node = lab and dst_prt = 5432')
      await page.keyboard.press('Enter')
      await page.locator('#filter-fault').waitFor()
      assert.equal(await page.locator('.wave').textContent(), 'dst_prt')
      assert.match(
        (await page.locator('#filter-fault').textContent()) ?? '',
        /^character 15: "dst_prt" is no field; did you mean dst_port\?$/,
      )
      assert.equal(await page.getAttribute(input, 'aria-invalid'), 'true')
      assert.doesNotMatch(page.url(), /filter=/)
      assert.ok(!weir.requests().some((url) => /\/api\/flows\?.*filter/.test(url)))
      const [wave, field] = [
        await page.locator('.wave').boundingBox(),
        await page.locator(input).boundingBox(),
      ]
      assert.ok(wave && field)
      const letter = wave.width / 'dst_prt'.length
      assert.ok(Math.abs(wave.x - field.x - 15 * letter) < 2, 'the wave begins at character 15')
      await page.locator('#filter-fault button').click()
      await page.waitForURL(/filter=/)
      assert.equal(new URL(page.url()).searchParams.get('filter'), 'node = lab and dst_port = 5432')
      assert.equal(await page.locator('#filter-fault').count(), 0)
    }),
)

test('a wrong filter in a link is said at its place, once', { skip }, () =>
  look({}, async (page, weir) => {
    await page.goto(`${weir.base}/?filter=${encodeURIComponent('rtt > 5')}`)
    await page.locator('#filter-fault').waitFor()
    assert.equal(await page.locator('.wave').textContent(), '5')
    assert.match((await shown(page, '#filter-fault')).join(), /has no unit; did you mean 5ms/)
    assert.equal(await page.locator('[role=alert]').count(), 1)
  }),
)

test('every page has the box, and its questions have the filter that fits them', { skip }, () =>
  look({}, async (page, weir) => {
    const fitting: Readonly<Record<string, readonly string[]>> = {
      '/': ['/api/series', '/api/top'],
      '/flows': ['/api/flows'],
      '/nodes': ['/api/ledger', '/api/programs'],
      '/rules': ['/api/rules'],
    }
    for (const path of Object.values(pagePaths)) {
      weir.requests()
      await page.goto(`${weir.base}${path}?filter=node+%3D+lab`)
      await page.locator(input).waitFor()
      assert.equal(await page.inputValue(input), 'node = lab', path)
      const asked = new Set<string | undefined>()
      await until(`the questions of ${path}`, () => {
        for (const url of weir.requests()) {
          if (/filter=node/.test(url)) asked.add(url.split('?')[0])
        }
        return (fitting[path] ?? []).every((question) => asked.has(question))
      })
    }
    await open(page, weir, '/nodes?filter=dst_port+%3D+443')
    assert.match((await shown(page, '.page')).join(), /all nodes: the filter is about connections/)
    assert.equal(await page.locator('#filter-fault').count(), 0)
  }),
)

test('a value is shown alone by +, and left out by −', { skip }, () =>
  look({}, async (page, weir) => {
    await open(page, weir, '/flows')
    const cell = page.locator('tr.row td.c-src.can').first()
    const name = await cell.locator('bdi').first().textContent()
    await cell.hover()
    await cell.locator('.minus').click()
    await page.waitForURL(/filter=/)
    assert.equal(new URL(page.url()).searchParams.get('filter'), `not src_process = ${name}`)
    await page.locator('[aria-label="Clear the filter"]').click()
    await until('no filter', () => !page.url().includes('filter='))
    await cell.hover()
    await cell.locator('.plus').first().click()
    await page.waitForURL(/src_process=/)
    assert.equal(await page.locator('.chip').count(), 1)
  }),
)

test('the box fits where a page is narrow', { skip }, () =>
  look({}, async (page, weir) => {
    await page.setViewportSize({ width: 390, height: 800 })
    await open(page, weir, '/flows?src_process=nginx&filter=dst_port+%3D+5432')
    await page.click(input)
    await page.locator('.filter-pop').waitFor()
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390)
    const box = await page.locator(input).boundingBox()
    assert.ok(box && box.width > 200, 'there is room to type')
  }),
)
