// A Chromium of our own for one test: headless, talking to nobody but the page, and listening to its complaints.

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'

const executablePath = '/usr/bin/chromium'

const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Why there is no browser here; undefined when there is one. */
export function browserMissing(): string | undefined {
  return existsSync(executablePath) ? undefined : `${executablePath} is not installed`
}

export interface Watched {
  readonly page: Page
  /** Console errors, exceptions and refusals of the content policy, in order. */
  readonly complaints: readonly string[]
}

/** Hands a page to `work` and closes the browser after it, whatever happens. */
export async function withBrowser<T>(work: (watched: Watched) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-browser-'))
  let context: BrowserContext | undefined
  try {
    context = await chromium.launchPersistentContext(folder, {
      executablePath,
      headless: true,
      args: quiet,
      viewport: { width: 1280, height: 800 },
      colorScheme: 'light',
      reducedMotion: 'reduce',
      timezoneId: 'UTC',
    })
    context.setDefaultTimeout(15_000)
    const page = await context.newPage()
    return await work({ page, complaints: await listen(page) })
  } finally {
    await context?.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function listen(page: Page): Promise<readonly string[]> {
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(`exception: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') {
      complaints.push(`console ${message.type()}: ${message.text()}`)
    }
  })
  await page.exposeFunction('complain', (text: string) => complaints.push(text))
  await page.addInitScript(`
    addEventListener('securitypolicyviolation', (event) =>
      complain('policy: ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample))
  `)
  return complaints
}
