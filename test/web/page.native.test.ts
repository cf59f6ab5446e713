// The page of a whole `weir up`, in Chromium, with known connections behind it.

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { withRiver } from '../river.ts'
import { type Lab, openPair, until, withNamespaces } from '../traffic/mod.ts'
import { browserMissing } from './browser.ts'
import { checkPage } from './check-page.ts'

const missing = browserMissing()

/** WEIR_SCREENSHOTS keeps the pictures there; else they go to a folder that is named in the output. */
const screenshotDir = process.env['WEIR_SCREENSHOTS'] ?? mkdtempSync(join(tmpdir(), 'weir-page-'))

test(
  'the page shows what the API says, and the browser has nothing to complain about',
  {
    skip: missing ?? false,
  },
  (context) =>
    withNamespaces(2, async (lab) => {
      // What others on this host leave open to one end is reported later than its range: here nobody does.
      const own = [0, 1].map((at) => `netns = ${lab.netns(at).inode}`).join(' or ')
      await withRiver({ args: ['--filter', own] }, async (river) => {
        for (let n = 0; n < 3; n++) await connect(lab, n)
        await until('the first rows', async () => (await river.flows()).length >= 3)
        let n = 3
        await checkPage(river.base, { screenshotDir, makeConnection: () => connect(lab, n++) })
        context.diagnostic(`screenshots: ${screenshotDir}`)
      })
    }),
)

/** One connection of a few kilobytes, opened and closed. */
async function connect(lab: Lab, n: number): Promise<void> {
  const [client, server] = [await lab.peer(0, 'page-client'), await lab.peer(1, 'page-server')]
  const pair = await openPair({ lab, name: `page ${n}`, client, server, version: 'v4' })
  await pair.forth(10_000 + n)
  await pair.settle()
  await pair.client.close()
  await pair.server.close()
}
