// Sockets or interfaces, in Chromium, over an invented Weir: what the switch asks for, and what the table then shows.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../traffic/mod.ts'
import { look, shown, skip } from './look.ts'

test('the switch asks for interfaces by the parameter of the API, and back', { skip }, () =>
  look({}, async (page, weir) => {
    await page.goto(`${weir.base}/flows`)
    await page.locator('tr.row').first().waitFor()
    weir.requests()
    await page.getByRole('button', { name: 'Interfaces' }).click()
    await until('a question about interfaces', () =>
      weir.requests().some((url) => url.startsWith('/api/flows') && url.includes('view=interface')),
    )
    assert.match(page.url(), /view=interface/)
    await until('columns of what interfaces carried', async () =>
      (await shown(page, '.flows thead')).join().includes('interface'),
    )
    const heads = (await shown(page, '.flows thead')).join()
    assert.match(heads, /path/)
    assert.doesNotMatch(heads, /rtt/)
    await page.getByRole('button', { name: 'Sockets' }).click()
    await until('columns of sockets', async () =>
      (await shown(page, '.flows thead')).join().includes('rtt'),
    )
    assert.doesNotMatch(page.url(), /view=/)
  }),
)

test('of interfaces the overview asks who talks to whom by address', { skip }, () =>
  look({}, async (page, weir) => {
    await page.goto(weir.base)
    await page.locator('.edges tbody tr').first().waitFor()
    weir.requests()
    await page.getByRole('button', { name: 'Interfaces' }).click()
    await until('a question by address', () =>
      weir
        .requests()
        .some((url) => url.startsWith('/api/top') && /view=interface.*by=src_address/.test(url)),
    )
  }),
)

test(
  'figures of a sampled row have the sign of an estimate, those of others have not',
  { skip },
  () =>
    look(
      { dress: (row, at) => (at % 2 === 0 ? { ...row, sampling: 10 } : row) },
      async (page, weir) => {
        await page.goto(`${weir.base}/flows?view=interface`)
        await page.locator('tr.row').first().waitFor()
        const volumes = await page.locator('tr.row td:has(i.u2)').allInnerTexts()
        const marked = volumes.filter((text) => text.startsWith('~')).length
        assert.ok(marked > 0 && marked < volumes.length, `${marked} of ${volumes.length}`)
        const title = await page
          .locator('tr.row span[title^="Estimated"]')
          .first()
          .getAttribute('title')
        assert.equal(title, 'Estimated from one packet in 10')
      },
    ),
)
