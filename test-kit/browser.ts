import { accessSync, constants, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core'

/** The browser the tests start. Environment variable `CHROMIUM`. @default /usr/bin/chromium */
const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium'

const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // For each new context Chromium would load two hidden pages of its address bar: most of what a blank page costs.
  '--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup',
]

/** A page that does not get where a test wants it fails before the test as a whole does, and says where. */
const PATIENCE_MS = 10_000

const HOW_TO_GET_IT = `no browser at ${EXECUTABLE}: run "apt-get install -y chromium", or set CHROMIUM to the path of one`

/** Whether there is a Chromium to start. */
export function browserAvailable(): boolean {
  try {
    accessSync(EXECUTABLE, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * Why browser tests cannot run here, or `false`. The sentence is printed, and goes into the title of what is
 * skipped. With `ROOMCAST_REQUIRE_BROWSER=1` nothing is skipped, and the tests fail in {@link launchBrowser}.
 *
 *     describe.skipIf(noBrowser)(`chat in Chromium${noBrowser ? ` (${noBrowser})` : ''}`, …)
 */
export function reasonToSkipBrowser(): string | false {
  if (browserAvailable() || process.env.ROOMCAST_REQUIRE_BROWSER === '1') return false
  console.warn(`Browser tests are skipped, ${HOW_TO_GET_IT}`)
  return `skipped, ${HOW_TO_GET_IT}`
}

/** A running Chromium with a profile of its own, which is removed when it closes. */
export interface TestBrowser extends AsyncDisposable {
  /** Opens a page as a new visitor: nothing is shared with the others. */
  newPage(options?: BrowserContextOptions): Promise<Page>
  /** Ends the browser and its pages. Calling it twice is harmless. */
  close(): Promise<void>
}

/**
 * Starts Chromium. Close it, or bind it with `await using`.
 *
 * @throws Error when there is none, with a sentence that says how to get it.
 */
export async function launchBrowser(): Promise<TestBrowser> {
  if (!browserAvailable()) throw new Error(`Cannot run browser tests, ${HOW_TO_GET_IT}`)
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGS })
  const close = () => browser.close()
  return {
    newPage: async (options) => {
      const page = await (await browser.newContext(options)).newPage()
      page.setDefaultTimeout(PATIENCE_MS)
      return page
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Writes a picture of the page to the folder in `SCREENSHOT_DIR`; does nothing when that is not set. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env.SCREENSHOT_DIR
  if (!folder) return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`) })
}
