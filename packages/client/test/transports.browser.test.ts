import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchBrowser, reasonToSkipBrowser, type TestBrowser } from '../../../test-kit/browser'
import { SCENARIOS } from '../../../test-kit/transport-suite'
import { bundleSuite } from '../../../test-kit/transport-suite/bundle'
import {
  type Capabilities,
  type PortableEnvironment,
  reasonToSkip,
  TRANSPORTS,
} from '../../../test-kit/transport-suite/environment'
import type { SuiteWindow } from '../../../test-kit/transport-suite/page'
import { SuiteServer } from '../../../test-kit/transport-suite/server'

const noBrowser = reasonToSkipBrowser()

const MORE_THAN_ONE = TRANSPORTS.length > 1 || 'there is one transport'
const CAPABILITIES: Capabilities = { cut: true, restart: true, 'mixed transports': MORE_THAN_ONE }

const PAGE = '<!doctype html><title>suite</title><link rel="icon" href="data:,"><script src="/suite.js"></script>'

describe.skipIf(noBrowser)(`in Chromium${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  let browser: TestBrowser
  let script: string

  beforeAll(async () => {
    script = await bundleSuite()
    browser = await launchBrowser()
  })

  afterAll(() => browser?.close())

  describe.each(TRANSPORTS)('over %s', (transport) => {
    let server: SuiteServer
    let page: Page
    const problems: string[] = []

    beforeAll(async () => {
      const files = {
        '/suite': { type: 'text/html', text: PAGE },
        '/suite.js': { type: 'text/javascript', text: script },
      }
      server = await SuiteServer.start({ files })
      page = await browser.newPage()
      page.on('pageerror', (error) => problems.push(error.message))
      await page.exposeFunction('suiteControl', (command: 'cut' | 'population' | 'restart') =>
        server.control[command](),
      )
      await page.goto(`${server.url}/suite`)
    })

    afterAll(async () => {
      await page?.context().close()
      await server?.[Symbol.asyncDispose]()
    })

    for (const [index, scenario] of SCENARIOS.entries()) {
      const reason = reasonToSkip(scenario, CAPABILITIES)
      test.skipIf(reason !== false)(`${scenario.name}${reason ? ` (${reason})` : ''}`, async () => {
        const environment: PortableEnvironment = { transport, url: server.url, capabilities: CAPABILITIES }
        const failure = await page.evaluate(
          ([index, environment]) => (window as unknown as SuiteWindow).runSuiteScenario(index, environment),
          [index, environment] as const,
        )
        expect(failure).toBe(null)
        expect(server.faults.splice(0)).toEqual([])
        expect(problems.splice(0)).toEqual([])
      })
    }
  })
})
