// Clicks through the page of a running Weir as a person would, and compares what it shows with the API.

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { until } from '../traffic/mod.ts'
import { type Watched, withBrowser } from './browser.ts'

export interface PageCheck {
  /** Where the screenshots go. */
  readonly screenshotDir: string
  /** Makes one connection that Weir sees. There must have been some before. */
  readonly makeConnection: () => Promise<void>
}

type Row = Readonly<Record<string, string | number | boolean | null>>

/** Throws an AssertionError at the first thing that a person would complain about. */
export async function checkPage(baseUrl: string, check: PageCheck): Promise<void> {
  mkdirSync(check.screenshotDir, { recursive: true })
  await withBrowser(async (watched) => {
    const { page } = watched
    await page.goto(baseUrl)
    await page.locator('.edges tbody tr').first().waitFor()
    await chartsAreDrawn(page)
    await shoot(page, check, 'overview-light')
    await pagesLead(page)
    await liveAddsRows(page, check)
    await shoot(page, check, 'flows-light')
    await rowsAreThoseOfTheApi(page, baseUrl)
    await rowOpens(page, check)
    await eventsAreThoseOfTheApi(page, baseUrl, check)
    await filtersAreInTheUrl(page, baseUrl)
    await themeSwitches(page, baseUrl, check)
    await keysWork(page)
    await narrowFits(page, baseUrl, check)
    await errorsAreSaid(page, baseUrl, watched)
    assert.deepEqual(watched.complaints, [], 'the browser complained')
  })
}

/** Every canvas has lines on it: not one pixel colour alone, and not nothing. */
async function chartsAreDrawn(page: Page): Promise<void> {
  // Drops and resets are drawn where their probe runs.
  await page.locator('.kpi canvas').nth(5).waitFor()
  // Read from a copy: Chromium warns of a canvas that is read twice.
  await until('the drawn charts', () =>
    page.evaluate(`(() => {
    const drawn = [...document.querySelectorAll('.kpi canvas')].map((canvas) => {
      const { width, height } = canvas
      const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
      copy.drawImage(canvas, 0, 0)
      const { data } = copy.getImageData(0, 0, width, height)
      return new Set(new Uint32Array(data.buffer)).size
    })
    return drawn.length >= 6 && drawn.every((n) => n > 1)
  })()`),
  )
  const labels = await page
    .locator('.kpi .plot')
    .evaluateAll((plots: { ariaLabel: string | null }[]) => plots.map((plot) => plot.ariaLabel))
  assert.ok(labels.every((label) => label && label.length > 10))
}

/** Each page by its link, its own address, and a reload of that. */
async function pagesLead(page: Page): Promise<void> {
  await page.locator('.nav', { hasText: 'Nodes' }).click()
  await page.locator('.ledger tbody tr').first().waitFor()
  await page.locator('.agents tbody tr').first().waitFor()
  assert.equal(new URL(page.url()).pathname, '/nodes')
  await page.goBack()
  await page.locator('.kpi').first().waitFor()
  await page.locator('.nav', { hasText: 'Flows' }).click()
  await page.locator('tr.row').first().waitFor()
  await page.reload()
  await page.locator('tr.row').first().waitFor()
  assert.equal(new URL(page.url()).pathname, '/flows')
}

async function liveAddsRows(page: Page, { makeConnection }: PageCheck): Promise<void> {
  assert.equal(await page.locator('.live-switch').getAttribute('aria-pressed'), 'true')
  const newest = () => page.locator('tr.row time').first().getAttribute('title')
  const before = await newest()
  await makeConnection()
  await until('a newer row at the top', async () => String(await newest()) > String(before))
}

/** A range that is over does not move, so both sides must be the same to the byte. */
async function rowsAreThoseOfTheApi(page: Page, baseUrl: string): Promise<void> {
  const range = await pastRange(baseUrl, 15 * 60_000)
  const rows = await flowsOf(baseUrl, range)
  assert.ok(rows.length > 0, 'there are connections to compare')
  await page.goto(`${baseUrl}/flows?${range}`)
  await page.locator('tr.row').first().waitFor()
  const shown = await page.locator('tr.row').evaluateAll((lines: Line[]) =>
    lines.map((line) => ({
      time: line.querySelector('.c-time time')?.getAttribute('title'),
      bytes: line.querySelector('.c-bytes span')?.getAttribute('title'),
      reverse: line.querySelector('.c-reverse span')?.getAttribute('title'),
    })),
  )
  const expected = rows.slice(0, shown.length).map((row) => ({
    time: row['time'],
    bytes: grouped(row['bytes']),
    reverse: grouped(row['reverse_bytes']),
  }))
  assert.deepEqual(shown, expected)
  assert.equal(await page.locator('.live-switch').textContent(), 'Go live')
}

/** The list, and the counts on the tabs. */
async function eventsAreThoseOfTheApi(
  page: Page,
  baseUrl: string,
  check: PageCheck,
): Promise<void> {
  const range = await pastRange(baseUrl, 15 * 60_000)
  const answer = await fetch(`${baseUrl}/api/events?${range}&kind=connection&limit=100`)
  const { rows } = (await answer.json()) as { rows: Row[] }
  assert.ok(rows.length > 0, 'there are events to compare')
  await page.goto(`${baseUrl}/events?kind=connection&${range}`)
  await page.locator('tr.row').first().waitFor()
  const shown = await page
    .locator('tr.row time')
    .evaluateAll((times: { title: string }[]) => times.map(({ title }) => title))
  assert.deepEqual(
    shown,
    rows.slice(0, shown.length).map((row) => row['time']),
  )
  const all = await fetch(`${baseUrl}/api/events/top?${range}&by=kind`)
  const { totals } = (await all.json()) as { totals: { events: number } }
  await until('the count of all', async () => {
    const tab = (await page.locator('.tabs button').first().textContent()) ?? ''
    return isShownAs(totals.events, tab.replace(/^All|\s/g, ''))
  })
  await shoot(page, check, 'events-light')
  await page.goto(`${baseUrl}/flows?${range}`)
}

/** Below 10,000 every digit, then three and a unit. */
function isShownAs(exact: number, shown: string): boolean {
  const [, digits = '', unit = ''] = /^([\d.]+)([kM]?)$/.exec(shown) ?? []
  const value = Number(digits) * { '': 1, k: 1e3, M: 1e6 }[unit as '' | 'k' | 'M']
  return digits !== '' && Math.abs(value - exact) <= (exact < 10_000 ? 0 : exact * 0.005)
}

/** What the callbacks above need of an element; the DOM's own types are not those of tests. */
interface Line {
  querySelector(selector: string): { getAttribute(name: string): string | null } | null
}

async function rowOpens(page: Page, check: PageCheck): Promise<void> {
  await page.locator('tr.row').nth(1).click()
  const panel = page.locator('.side')
  await panel.waitFor()
  assert.match(page.url(), /select=\d+/)
  await panel.locator('.fold').click()
  await panel.locator('.bi canvas').waitFor()
  const raw = JSON.parse((await panel.locator('.json').textContent()) ?? '') as Row
  assert.equal(raw['connection_id'], new URL(page.url()).searchParams.get('select'))
  assert.match((await panel.textContent()) ?? '', /initiator \(src\).*responder \(dst\)/)
  await panel.locator('.fold').click()
  await shoot(page, check, 'row-light')
  await page.keyboard.press('Escape')
  await panel.waitFor({ state: 'detached' })
}

async function filtersAreInTheUrl(page: Page, baseUrl: string): Promise<void> {
  await page.locator('tr.row td.c-dst.can').first().hover()
  await page.locator('tr.row td.c-dst.can .plus').first().click()
  await page.locator('.chip').first().waitFor()
  const query = new URL(page.url()).searchParams
  const port = query.get('dst_port')
  assert.ok(port !== null, 'the filter is in the URL')
  const rows = await flowsOf(baseUrl, query)
  await until('the rows of the filter', () =>
    page.evaluate(`[...document.querySelectorAll('tr.row td.c-dst')].every((cell) =>
      cell.textContent.includes(':${port}')) &&
     document.querySelector('tr.row time').title === ${JSON.stringify(rows[0]?.['time'])}`),
  )
  assert.ok(rows.length > 0 && rows.every((row) => String(row['dst_port']) === port))
  const chips = await page.locator('.chip').count()
  await page.locator('.chip button').first().click()
  assert.equal(await page.locator('.chip').count(), chips - 1)
  await page.goBack()
  assert.equal(await page.locator('.chip').count(), chips, 'Back undoes one decision')
}

async function themeSwitches(page: Page, baseUrl: string, check: PageCheck): Promise<void> {
  await page.goto(baseUrl)
  await page.locator('.edges tbody tr').first().waitFor()
  const ground = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
  const light = await ground()
  await page.locator('.rail button').first().click()
  assert.notEqual(await ground(), light)
  await page.reload()
  await page.locator('.edges tbody tr').first().waitFor()
  assert.notEqual(await ground(), light, 'the theme is kept')
  await chartsAreDrawn(page)
  await shoot(page, check, 'overview-dark')
  await page.locator('.rail button').first().click()
}

async function keysWork(page: Page): Promise<void> {
  await page.keyboard.press('t')
  await page.fill('#time-from', '-10m')
  await page.keyboard.press('Enter')
  await page.waitForURL(/from=-10m/)
  await page.keyboard.press('c')
  await page.locator('.pop-coverage').waitFor()
  assert.match((await page.locator('.pop-coverage').textContent()) ?? '', /known to exist/)
  await page.keyboard.press('Escape')
  await page.keyboard.press('v')
  await page.locator('.steps-table tbody tr').first().waitFor()
  await page.keyboard.press('v')
  await page.keyboard.press('g')
  await page.keyboard.press('n')
  await page.waitForURL(/\/nodes\?/)
  await page.keyboard.press('g')
  await page.keyboard.press('o')
  await page.keyboard.press('?')
  await page.locator('dialog.help').waitFor()
  await page.keyboard.press('Escape')
  await page.locator('dialog.help').waitFor({ state: 'detached' })
}

async function narrowFits(page: Page, baseUrl: string, check: PageCheck): Promise<void> {
  const width = () => page.evaluate('document.documentElement.scrollWidth')
  await page.setViewportSize({ width: 420, height: 900 })
  await page.goto(baseUrl)
  await page.locator('.edges tbody tr').first().waitFor()
  assert.equal(await width(), 420, 'no scrolling sideways')
  await shoot(page, check, 'overview-420-light')
  await page.goto(`${baseUrl}/flows`)
  await page.locator('tr.row').first().waitFor()
  assert.equal(await width(), 420)
  await page.locator('tr.row').first().click()
  await page.locator('.side').waitFor()
  assert.equal(await width(), 420)
  await page.setViewportSize({ width: 1280, height: 800 })
}

/** A wrong question is answered in its place, with the API's own words. */
async function errorsAreSaid(page: Page, baseUrl: string, { complaints }: Watched): Promise<void> {
  const before = complaints.length
  await page.goto(`${baseUrl}/?src_prot=443`)
  const text = await page.locator('.state[role=alert]').first().textContent()
  assert.match(text ?? '', /src_prot/)
  assert.equal(await page.locator('[role=alert]').count(), 1, 'one error is said once')
  // Chromium itself logs each answer that is not 2xx: those, and nothing else.
  const own = (complaints as string[]).splice(before)
  assert.ok(own.length > 0 && own.every((line) => /status of 400/.test(line)), own.join('\n'))
}

async function flowsOf(baseUrl: string, query: URLSearchParams): Promise<readonly Row[]> {
  const asked = new URLSearchParams(query)
  asked.delete('select')
  asked.set('limit', '200')
  const answer = await fetch(`${baseUrl}/api/flows?${asked}`)
  assert.equal(answer.status, 200, await answer.clone().text())
  return ((await answer.json()) as { rows: Row[] }).rows
}

/** A range that ends now, once all rows of it are stored: the agent's report of a later interval follows them. */
async function pastRange(baseUrl: string, lengthMs: number): Promise<URLSearchParams> {
  const to = Date.now()
  const iso = (ms: number) => new Date(ms).toISOString()
  const later = new URLSearchParams({ from: iso(to), to: iso(to + 3_600_000), stage: 'agent' })
  await until('the report of a later interval', async () => {
    const answer = await fetch(`${baseUrl}/api/ledger?${later}`)
    assert.equal(answer.status, 200, await answer.clone().text())
    return ((await answer.json()) as { rows: Row[] }).rows.length > 0
  })
  return new URLSearchParams({ from: iso(to - lengthMs), to: iso(to) })
}

function grouped(value: Row[string] | undefined): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, '\u2009')
}

async function shoot(page: Page, { screenshotDir }: PageCheck, name: string): Promise<void> {
  await page.screenshot({ path: join(screenshotDir, `${name}.png`) })
}
