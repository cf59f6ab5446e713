// A Chromium of our own: headless, talking to nobody but the page, and listening to its complaints.

import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page, type Request } from 'playwright-core'

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
  /** Waits until every question that the page has asked is answered. */
  readonly answered: () => Promise<void>
}

/** Starts a browser; who starts it closes it. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath, headless: true, args: quiet })
}

/** Hands a page to `work` that shares nothing with other pages, and closes it after that, whatever happens. */
export async function withPage<T>(
  browser: Browser,
  work: (watched: Watched) => Promise<T>,
): Promise<T> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    colorScheme: 'light',
    reducedMotion: 'reduce',
    timezoneId: 'UTC',
  })
  try {
    context.setDefaultTimeout(60_000)
    const page = await context.newPage()
    return await work({ page, complaints: await listen(page), answered: watchAnswers(page) })
  } finally {
    await context.close()
  }
}

/** Hands a page of a browser of its own to `work`. */
export async function withBrowser<T>(work: (watched: Watched) => Promise<T>): Promise<T> {
  const browser = await startBrowser()
  try {
    return await withPage(browser, work)
  } finally {
    await browser.close()
  }
}

function watchAnswers(page: Page): () => Promise<void> {
  const open = new Set<Request>()
  let waiting: (() => void)[] = []
  function end(request: Request): void {
    open.delete(request)
    if (open.size > 0) return
    for (const go of waiting) go()
    waiting = []
  }
  page.on('request', (request) => {
    // A stream of events has no end.
    if (request.resourceType() !== 'eventsource') open.add(request)
  })
  page.on('requestfinished', end)
  page.on('requestfailed', end)
  return async () => {
    // What the page has begun is known here once it has answered us.
    await page.evaluate('0')
    if (open.size > 0) await new Promise<void>((resolve) => waiting.push(resolve))
    await page.evaluate('0')
  }
}

async function listen(page: Page): Promise<readonly string[]> {
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(`exception: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') {
      complaints.push(`console ${message.type()}: ${message.text()} ${message.location().url}`)
    }
  })
  await page.exposeFunction('complain', (text: string) => complaints.push(text))
  await page.addInitScript(`
    addEventListener('securitypolicyviolation', (event) =>
      complain('policy: ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample))
  `)
  return complaints
}
