// The README's pictures: clicks through the page of a running Weir (`npm run demo`, two minutes old) as the
// test does, and keeps the screenshots.
//
//   node test/web/main.ts http://127.0.0.1:8080 docs/images

import { checkPage } from './check-page.ts'

const [baseUrl, screenshotDir] = process.argv.slice(2)
if (!baseUrl || !screenshotDir) {
  console.error('usage: node test/web/main.ts URL FOLDER')
  process.exit(64)
}
await checkPage(baseUrl, { screenshotDir, makeConnection: async () => {} })
