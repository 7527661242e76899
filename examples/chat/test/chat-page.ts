import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { launchBrowser, reasonToSkipBrowser, type TestBrowser } from '../../../test-kit/browser'
import { type ChatOptions, type RunningChat, startChat } from '../src/chat'
import { PATIENCE_MS, VisitorPage } from './visitor-page'

const noBrowser = reasonToSkipBrowser()

/**
 * Tests of the page in a Chromium that they share. Several run at a time, each in a scene of its own, so that one goes on while
 * another waits:
 *
 *     describeChatPage('talking', (newScene) => {
 *       it('shows a message', async () => {
 *         await using scene = await newScene()
 *         const [ada, bob] = await scene.newUsers('Ada', 'Bob')
 *         …
 *       })
 *     })
 */
export function describeChatPage(
  subject: string,
  tests: (newScene: (options?: ChatOptions) => Promise<ChatScene>) => void,
): void {
  const title = `the chat page in Chromium, ${subject}${noBrowser ? ` (${noBrowser})` : ''}`
  describe.skipIf(noBrowser)(title, { concurrent: true, timeout: 4 * PATIENCE_MS }, () => {
    let browser: TestBrowser

    beforeAll(async () => {
      browser = await launchBrowser()
    })

    afterAll(() => browser?.close())

    tests((options) => ChatScene.start(browser, options))
  })
}

/** A chat and the pages that visit it. They close at the end of the scope, and no script on them may have failed. */
export class ChatScene implements AsyncDisposable {
  private readonly pages: Page[] = []
  private readonly pageErrors: string[] = []

  private constructor(
    private readonly browser: TestBrowser,
    private readonly options: ChatOptions,
    private chat: RunningChat,
  ) {}

  static async start(browser: TestBrowser, options: ChatOptions = {}): Promise<ChatScene> {
    return new ChatScene(browser, options, await startChat({ port: 0, ...options }))
  }

  get url(): string {
    return this.chat.url
  }

  get port(): number {
    return this.chat.port
  }

  /** A page in a browser of its own. @param url  Where it finds the chat, if not at the server itself. */
  async newPage(options?: BrowserContextOptions, url?: string): Promise<VisitorPage> {
    return this.open(() => this.browser.newPage(options), url)
  }

  /** A page in a browser of its own that knows no WebSocket. */
  async newPageWithoutWebSocket(url?: string): Promise<VisitorPage> {
    return this.open(async () => {
      const page = await this.browser.newPage()
      await page.addInitScript(() => {
        delete (globalThis as { WebSocket?: unknown }).WebSocket
      })
      return page
    }, url)
  }

  /** Another tab of the same browser. */
  async newTab({ page }: VisitorPage): Promise<VisitorPage> {
    return this.open(() => page.context().newPage(), new URL(page.url()).origin)
  }

  async newUser(name: string, options?: BrowserContextOptions): Promise<VisitorPage> {
    const visitor = await this.newPage(options)
    await visitor.logIn(name)
    return visitor
  }

  /** Several users, who log in one after the other. */
  async newUsers<const Names extends readonly string[]>(
    ...names: Names
  ): Promise<{ [Index in keyof Names]: VisitorPage }> {
    const visitors: VisitorPage[] = []
    for (const name of names) visitors.push(await this.newUser(name))
    return visitors as unknown as { [Index in keyof Names]: VisitorPage }
  }

  /** Ends the server, and starts another one that knows nothing of the first, on another port. */
  async restartServer(): Promise<void> {
    await this.stopServer()
    await this.startServer()
  }

  async stopServer(): Promise<void> {
    await this.chat.close()
  }

  async startServer(): Promise<void> {
    this.chat = await startChat({ port: 0, ...this.options })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const contexts = new Set(this.pages.map((page) => page.context()))
    await Promise.all([...contexts].map((context) => context.close()))
    await this.chat.close()
    expect(this.pageErrors, 'errors of scripts on the pages').toEqual([])
  }

  private open(newPage: () => Promise<Page>, url = this.url): Promise<VisitorPage> {
    return inTurn(async () => {
      const page = await newPage()
      page.setDefaultTimeout(PATIENCE_MS)
      page.on('pageerror', (error) => this.pageErrors.push(error.message))
      this.pages.push(page)
      const visitor = new VisitorPage(page)
      await visitor.open(url)
      return visitor
    })
  }
}

let last: Promise<unknown> = Promise.resolve()

/** Pages open one after the other. All at once they would be done no sooner, and everything else would stand still meanwhile. */
function inTurn<T>(task: () => Promise<T>): Promise<T> {
  const result = last.then(task)
  last = result.catch(() => {})
  return result
}
