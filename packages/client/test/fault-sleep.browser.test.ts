import { MESSAGE_TYPES } from '@roomcast/protocol'
import type { Server } from '@roomcast/server'
import type { CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchBrowser, reasonToSkipBrowser, type TestBrowser } from '../../../test-kit/browser'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { bundleClient, type FaultWindow, servePage } from './fault-page'
import { eventually, QUICK } from './fault-support'

/*
 * Pages that sleep: frozen in the background, without a network. What they missed must not be taken for the silence of
 * the server when they wake.
 */

const noBrowser = reasonToSkipBrowser()
const PINGS = { pingInterval: 400, pingTimeout: 600 }
const SLEEP_MS = 2_500

interface Scene extends AsyncDisposable {
  readonly server: TestServer
  readonly proxy: FaultProxy
  readonly page: Page
  readonly cdp: CDPSession
  /** Reasons on the server's side. */
  readonly ends: string[]
  pageEnds(): Promise<unknown[]>
}

describe.skipIf(noBrowser).concurrent(`a page in Chromium${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  let browser: TestBrowser
  let script: string

  beforeAll(async () => {
    script = await bundleClient()
    browser = await launchBrowser()
  })

  afterAll(() => browser?.close())

  async function open(transport: string, options: object = QUICK, pings = PINGS): Promise<Scene> {
    const ends: string[] = []
    const server = await startServer((io: Server) => {
      servePage(io, script)
      io.on('connection', (socket) => {
        socket.on('disconnect', (reason) => ends.push(reason))
        socket.on('echo', (value: unknown) => value)
      })
    }, pings)
    const proxy = await FaultProxy.start(server.port)
    const page = await browser.newPage()
    await page.goto(proxy.url)
    await page.evaluate(
      async ([url, options]) => {
        const own = window as unknown as FaultWindow
        own.socket = own.io(url, options)
        own.ends = []
        own.socket.on('disconnect', (reason) => own.ends.push(reason))
        await own.socket.timeout(9_000).emitWithAck('echo', 1)
      },
      [proxy.url, { ...options, transports: [transport] }] as const,
    )
    return {
      server,
      proxy,
      page,
      ends,
      cdp: await page.context().newCDPSession(page),
      pageEnds: () => page.evaluate(() => (window as unknown as FaultWindow).ends),
      async [Symbol.asyncDispose]() {
        await page.context().close()
        await proxy[Symbol.asyncDispose]()
        await server[Symbol.asyncDispose]()
      },
    }
  }

  const call = (page: Page) =>
    page.evaluate(() => (window as unknown as FaultWindow).socket.timeout(9_000).emitWithAck('echo', 2))

  /** The page does nothing for a while; its browser goes on, as for a page in the background that it has frozen. */
  async function freeze({ cdp }: Scene): Promise<void> {
    await cdp.send('Debugger.enable')
    const paused = new Promise((resolve) => cdp.once('Debugger.paused', resolve))
    await cdp.send('Debugger.pause')
    await paused
    const until = performance.now() + SLEEP_MS
    await eventually(() => performance.now() > until, 'the sleep', SLEEP_MS + 5_000)
    await cdp.send('Debugger.disable')
  }

  test('that was frozen for several ping timeouts is still connected over WebSocket', async () => {
    await using scene = await open('websocket')
    await freeze(scene)
    await call(scene.page)
    expect(await scene.pageEnds()).toEqual([])
    expect(scene.ends).toEqual([])
  })

  test('that was frozen comes back at once by polling, with one new connection', async () => {
    await using scene = await open('polling')
    await freeze(scene)
    await scene.page.waitForFunction(() => {
      const { ends, socket } = window as unknown as FaultWindow
      return ends.length > 0 && socket.connected
    })
    await call(scene.page)
    // The server is right: it was not asked for too long.
    expect(scene.ends).toEqual(['ping timeout'])
    expect(await scene.pageEnds()).toEqual(['ping timeout'])
    await until(() => scene.server.io.engine.clientsCount === 1, 'one connection')
  })

  test('whose loop stood still finds its WebSocket alive', async () => {
    await using scene = await open('websocket')
    await scene.page.evaluate((ms) => {
      const end = performance.now() + ms
      while (performance.now() < end);
    }, SLEEP_MS)
    await call(scene.page)
    expect(await scene.pageEnds()).toEqual([])
    expect(scene.ends).toEqual([])
  })

  for (const transport of ['websocket', 'polling']) {
    test(`that was offline is back over ${transport} as soon as it is online`, async () => {
      // Delays that nobody would wait for: the event has to end them.
      await using scene = await open(transport, { reconnectionDelay: 600_000, reconnectionDelayMax: 600_000 })
      const { page, server, proxy } = scene
      await page.context().setOffline(true)
      // A WebSocket that is open would go on in this kind of offline.
      proxy.cut()
      await page.waitForFunction(() => !(window as unknown as FaultWindow).socket.connected)
      await page.context().setOffline(false)
      await page.waitForFunction(() => (window as unknown as FaultWindow).socket.connected)
      await call(page)
      expect((await scene.pageEnds()).length).toBe(1)
      await until(() => server.io.engine.clientsCount === 1, 'one connection')
    })
  }

  test('that becomes visible asks at once', async () => {
    await using scene = await open('websocket', {}, { pingInterval: 60_000, pingTimeout: 60_000 })
    const { page } = scene
    const pings: string[] = []
    scene.cdp.on('Network.webSocketFrameSent', ({ response }) => {
      const frame = Buffer.from(response.payloadData, 'base64')
      if (frame[0] === MESSAGE_TYPES.PING) pings.push(response.payloadData)
    })
    await scene.cdp.send('Network.enable')
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
    await until(() => pings.length === 1, 'a ping of the page')
    // What was asked is not asked again before the answer is heard: the answer to this call comes after it.
    await call(page)
    await page.evaluate(() => dispatchEvent(new Event('online')))
    await until(() => pings.length === 2, 'another ping of the page')
    await call(page)
    expect(await scene.pageEnds()).toEqual([])
  })
})
