// What the page says when something is not as usual, in Chromium, over an invented Weir.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import type { FieldInfo } from '../../api/contract/mod.ts'
import { pagePaths } from '../../api/contract/pages/mod.ts'
import { freePort } from '../../common/free-port.fake.ts'
import { until } from '../traffic/mod.ts'
import { look, passUntil, shown, skip } from './look.ts'
import { type FakeWeir, startFakeWeir } from './weir.fake.ts'

test('Weir gone: the page says since when, and neither Live nor 100 % stay', { skip }, async () => {
  // Nobody takes it while Weir is gone.
  const port = await freePort()
  const gone = async (page: Page, weir: FakeWeir) => {
    await page.clock.install({ time: weir.world.nowMs })
    await page.goto(weir.base)
    await page.locator('.edges tbody tr').first().waitFor()
    const isWell = async () => /Live.*100 %/s.test((await shown(page, '.bar')).join())
    await until('Live and 100 %', isWell)
    await weir.stop()
    const banners = page.locator('.banner')
    await passUntil('the banner', page, weir, async () => (await banners.count()) > 0)
    const said = (await shown(page, '.banner')).join()
    assert.match(said, /Disconnected: no answer since \d\d:\d\d:\d\d/)
    const bar = (await shown(page, '.bar')).join()
    assert.match(bar, /Disconnected/)
    assert.doesNotMatch(bar, /Live|100 %/)
    assert.equal(await page.locator('[role=alert]').count(), 1, 'said once')
    assert.ok(await isDim(page, '.kpi .val b'), 'old numbers are dimmed')
    const back = await startFakeWeir({ nowMs: weir.world.nowMs }, port)
    try {
      await passUntil('an answer', page, back, async () => (await banners.count()) === 0)
      await passUntil('Live and 100 %', page, back, isWell)
      assert.ok(!(await isDim(page, '.kpi .val b')))
    } finally {
      await back.stop()
    }
  }
  await look({}, gone, port)
})

for (const path of ['/', '/flows', '/nodes']) {
  test(`the store away: one error, not one in each panel, on ${path}`, { skip }, () =>
    look(
      { failure: { status: 503, code: 'store_away', message: 'the store does not answer' } },
      async (page, weir) => {
        await page.clock.install({ time: weir.world.nowMs })
        await page.goto(weir.base + path)
        const banners = page.locator('.banner')
        await banners.waitFor()
        assert.match((await shown(page, '.banner')).join(), /the store does not answer/)
        assert.equal(await page.locator('[role=alert]').count(), 1)
        const whole = (await shown(page, 'body')).join()
        assert.equal(whole.split('the store does not answer').length, 2, whole)
        weir.world.failure = undefined
        await passUntil('an answer', page, weir, async () => (await banners.count()) === 0)
      },
    ),
  )
}

test('a young Weir says how much of the range it watched, and draws that', { skip }, () => {
  const nowMs = Date.now()
  return look({ nowMs, watchedFromMs: nowMs - 6 * 60_000 }, async (page, weir) => {
    await page.goto(`${weir.base}/?from=-24h`)
    await until('the charts of six minutes', async () => {
      const axis = (await shown(page, '.kpi .xax')).join()
      return /watched 6\smin of 24\sh/.test(axis) && /since/.test(axis)
    })
    assert.match((await shown(page, '.ctl.cov')).join(), /100 %\s*watched 6\smin of 24\sh/)
    await until('steps of seconds, not of a quarter of an hour', () =>
      weir.requests().some((url) => /step=(?:5|10)s/.test(url)),
    )
  })
})

test('no edge is larger than the volume of the range, whenever one looks', { skip }, () =>
  look({}, async (page, weir) => {
    await page.goto(weir.base)
    for (let n = 0; n < 6; n++) {
      await page.locator('.edges tbody tr').first().waitFor()
      // Charts and table are two questions.
      const volume = await until('the volume', async () => (await shown(page, '.kpi .delta'))[0])
      const whole = bytesOf(volume)
      const edges = await page
        .locator('.edges td.c-bytes, .edges td.c-reverse_bytes')
        .evaluateAll((cells: { title: string }[]) =>
          cells.map(({ title }) => Number(title.replace(/\D/g, ''))),
        )
      const sum = edges.reduce((all, bytes) => all + bytes, 0)
      assert.ok(Math.abs(sum - whole) <= 0.01 * whole, `edges ${sum}, range ${whole}`)
      weir.world.nowMs += 60_000
      await page.reload()
    }
  }),
)

test('ports that are folded are shown as :* with their number, and open', { skip }, () =>
  look(
    { dress: (row, at) => (at === 0 ? { ...row, dst_port: null, folded_ports: 1349 } : row) },
    async (page, weir) => {
      await page.goto(weir.base)
      const fold = page.locator('.edges tbody tr', { hasText: ':*' })
      await fold.first().waitFor()
      assert.match((await fold.first().textContent()) ?? '', /:\* 1\u2009349 ports/)
      weir.requests()
      await fold.locator('button').click()
      assert.match(page.url(), /fold=none/)
      await until('the question for each port', () =>
        weir.requests().some((url) => url.startsWith('/api/top') && /fold=none/.test(url)),
      )
      assert.doesNotMatch(page.url(), /dst_port/)
    },
  ),
)

test('failed connects are a tab: who, where, why; the charts keep the whole', { skip }, () =>
  look({}, async (page, weir) => {
    await page.goto(weir.base)
    await page.locator('.edges tbody tr').first().waitFor()
    weir.requests()
    await page.locator('.seg button', { hasText: 'Failed' }).click()
    await page.locator('.failed tbody tr').first().waitFor()
    const lines = await shown(page, '.failed tbody tr')
    assert.equal(lines.length, 2, 'a connection that timed out later did not fail to connect')
    assert.match(lines[0] ?? '', /checkout.*192\.0\.2\.20.*:5432.*ECONNREFUSED.*31/s)
    const asked = weir.requests().find((url) => url.includes('order=-failed')) ?? ''
    assert.match(new URL(asked, weir.base).searchParams.get('filter') ?? '', /^end_reason in \(/)
    await page.locator('.failed tbody tr button').first().click()
    await page.waitForURL(/errno=ECONNREFUSED/)
  }),
)

const long = 'a-service-with-quite-a-long-name'

test('no number of the ledger is cut at any width', { skip }, () =>
  look({}, async (page, weir) => {
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 800 })
      await page.goto(`${weir.base}/nodes`)
      await page.locator('.ledger tbody tr').first().waitFor()
      const cut = await page.evaluate(
        `[...document.querySelectorAll('.ledger td, .ledger th')].filter((cell) => cell.scrollWidth > cell.clientWidth).length`,
      )
      assert.equal(cut, 0, `at ${width} px`)
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width)
    }
  }),
)

interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Both at one moment: the page goes on, and rows with it. */
const rowAndPort = `(() => {
  const port = document.querySelector('tr.row .c-dst .whole > span')
  return [port.closest('tr'), port].map((element) => element.getBoundingClientRect().toJSON())
})()`

test('the destination of a connection is shown at every width', { skip }, () =>
  look(
    { dress: (row) => ({ ...row, src_process: long, dst_process: long }) },
    async (page, weir) => {
      for (const width of [360, 420, 719, 720, 1280]) {
        await page.setViewportSize({ width, height: 800 })
        await page.goto(`${weir.base}/flows`)
        const port = page.locator('tr.row .c-dst .whole > span').first()
        await port.waitFor()
        assert.equal(await port.textContent(), ':5432')
        const [row, end] = await page.evaluate<readonly [Box, Box]>(rowAndPort)
        const isInside = end.x >= row.x && end.x + end.width <= row.x + row.width
        assert.ok(isInside, `at ${width} px it is inside the row`)
        const isLevel = end.y >= row.y && end.y + end.height <= row.y + row.height
        assert.ok(isLevel, `at ${width} px it is not below the row`)
        assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width)
      }
    },
  ),
)

const toyField: FieldInfo = {
  table: 'flows',
  name: 'toy_colour',
  kind: 'name',
  unit: '',
  nullable: false,
  sum: false,
  derived: false,
  ends: [],
  label: 'Toy colour',
  help: 'Colour of the toy.',
}

test(
  'a field that only the model knows is in the row panel, and a column to choose',
  { skip },
  () =>
    look(
      { moreFields: [toyField], dress: (row) => ({ ...row, toy_colour: 'teal' }) },
      async (page, weir) => {
        await page.goto(`${weir.base}/flows`)
        await page.locator('tr.row').first().waitFor()
        assert.equal(await page.locator('td.c-toy_colour').count(), 0)
        await page.click('#popover-columns')
        await page.locator('.pop-columns label', { hasText: 'toy_colour' }).click()
        await page.locator('td.c-toy_colour').first().waitFor()
        await page.reload()
        await page.locator('td.c-toy_colour').first().waitFor()
        assert.match((await shown(page, 'td.c-toy_colour')).join(), /^teal/)
        assert.equal(
          await page.locator('th', { hasText: 'toy_colour' }).getAttribute('title'),
          toyField.help,
        )
        await page.locator('tr.row').first().click()
        const label = page.locator('.side dt', { hasText: 'toy colour' })
        await label.waitFor()
        assert.equal(await label.getAttribute('title'), toyField.help)
        assert.equal(await label.locator('xpath=following-sibling::dd[1]').textContent(), 'teal')
        await page.click('#popover-columns')
        await page.locator('.pop-columns button').click()
        await page.locator('td.c-toy_colour').first().waitFor({ state: 'detached' })
      },
    ),
)

test('each page of the list is a link of the rail, and the server answers its path', { skip }, () =>
  look({}, async (page, weir) => {
    await page.goto(weir.base)
    const links = page.locator('.rail a')
    await links.first().waitFor()
    const paths = await links.evaluateAll((all: { pathname: string }[]) =>
      all.map(({ pathname }) => pathname),
    )
    assert.deepEqual(paths, Object.values(pagePaths))
    for (const path of paths) {
      assert.equal((await page.goto(weir.base + path))?.status(), 200)
      assert.equal(await page.locator('.rail a[aria-current]').getAttribute('href'), path)
    }
  }),
)

test('a clock that is off and a second agent of one name are said', { skip }, () => {
  const node = { state: 'live', last_seen: new Date().toISOString(), interval_ms: 5000 }
  const said = 'the clock of vm-b is 3600 s ahead: its times are corrected by that'
  const nodes = [
    { ...node, node: 'vm-a', agent: '1f', version: '0.1.0', clock_offset_ms: 2, message: '' },
    {
      ...node,
      node: 'vm-b',
      agent: '2e',
      version: '0.1.0',
      clock_offset_ms: 3_600_000,
      message: said,
    },
  ]
  const checks = [{ name: 'agents', status: 'degraded', message: 'two agents are called vm-a' }]
  return look({ health: { status: 'degraded', checks, nodes } }, async (page, weir) => {
    await page.goto(`${weir.base}/flows`)
    await page.locator('.banner').waitFor()
    assert.match((await shown(page, '.banner')).join(), /agents two agents are called vm-a/)
    await page.goto(`${weir.base}/nodes`)
    await page.locator('.message').waitFor()
    assert.deepEqual(await shown(page, '.message'), [said])
    assert.match((await shown(page, '.agents tbody')).join(), /\+60\smin|\+1\sh/)
  })
})

test('a path that is no page is a 404 with ways back', { skip }, () =>
  look({}, async (page, weir) => {
    const answer = await page.goto(`${weir.base}/flow?from=-1h`)
    assert.equal(answer?.status(), 404)
    assert.match((await shown(page, 'h1')).join(), /There is nothing at \/flow/)
    await page.locator('.ways .nav', { hasText: 'Flows' }).click()
    await page.locator('tr.row').first().waitFor()
    assert.match(page.url(), /\/flows\?from=-1h$/)
  }),
)

/** Whether an element has the colour of what is not of now. */
function isDim(page: Page, selector: string): Promise<boolean> {
  return page.evaluate(`(() => {
    const probe = document.createElement('i')
    probe.className = 'dim'
    document.body.append(probe)
    const dim = getComputedStyle(probe).color
    probe.remove()
    return getComputedStyle(document.querySelector('${selector}')).color === dim
  })()`)
}

/** `32.2 kB` → 32200. */
function bytesOf(text: string): number {
  const [, value, prefix] = /([\d.]+)\s*([kMGT]?)B/.exec(text) ?? []
  return Number(value) * 1000 ** ' kMGT'.indexOf(prefix || ' ')
}
