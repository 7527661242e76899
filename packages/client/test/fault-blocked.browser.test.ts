import type { Server } from '@roomcast/server'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchBrowser, reasonToSkipBrowser, type TestBrowser } from '../../../test-kit/browser'
import { HttpFaultProxy } from '../../../test-kit/http-fault'
import { startServer } from '../../../test-kit/server'
import { bundleClient, type FaultWindow, servePage } from './fault-page'

/*
 * Real pages that cannot have a WebSocket, or come from elsewhere.
 */

const noBrowser = reasonToSkipBrowser()

describe.skipIf(noBrowser).concurrent(`a page in Chromium${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  let browser: TestBrowser
  let script: string

  beforeAll(async () => {
    script = await bundleClient()
    browser = await launchBrowser()
  })

  afterAll(() => browser?.close())

  function setUp(io: Server): void {
    servePage(io, script)
    io.on('connection', (socket) => {
      socket.on('echo', (value: unknown) => value)
      socket.on('cookie', () => socket.handshake.headers.cookie ?? '')
    })
  }

  /** Connects, and calls. @returns milliseconds until the answer, and what carried it. */
  async function callFrom(page: Page, url: string, options: object = {}) {
    return page.evaluate(
      async ([url, options]) => {
        const own = window as unknown as FaultWindow
        const before = performance.now()
        own.socket = own.io(url, options)
        own.ends = []
        own.socket.on('disconnect', (reason) => own.ends.push(reason))
        await own.socket.timeout(9_000).emitWithAck('echo', 1)
        return { ms: performance.now() - before, transport: own.socket.io.transport }
      },
      [url, options] as const,
    )
  }

  test('behind a proxy that never answers upgrades is usable in 3.5 s, and the next one in 0.5 s', async () => {
    await using server = await startServer(setUp)
    await using proxy = await HttpFaultProxy.start(server.port)
    proxy.hangUpgrade()
    const page = await browser.newPage()
    await page.goto(proxy.url)
    const first = await callFrom(page, proxy.url)
    await page.reload()
    const second = await callFrom(page, proxy.url)
    console.log(`upgrade black hole: first page ${first.ms.toFixed(0)} ms, next page ${second.ms.toFixed(0)} ms`)
    expect([first.transport, second.transport]).toEqual(['polling', 'polling'])
    expect(first.ms).toBeLessThan(3_500)
    expect(second.ms).toBeLessThan(500)
    expect(proxy.upgrades).toBe(1)
    await page.context().close()
  })

  test('in which WebSockets open and carry nothing is usable in 5 s', async () => {
    await using server = await startServer(setUp)
    await using proxy = await HttpFaultProxy.start(server.port)
    proxy.silenceUpgrade()
    const page = await browser.newPage()
    await page.goto(proxy.url)
    const { ms, transport } = await callFrom(page, proxy.url)
    console.log(`a WebSocket that carries nothing: ${ms.toFixed(0)} ms`)
    expect(transport).toBe('polling')
    expect(ms).toBeLessThan(5_000)
    await page.context().close()
  })

  test('that has no WebSocket works by polling, and stays with it', async () => {
    await using server = await startServer(setUp)
    const page = await browser.newPage()
    await page.addInitScript(() => {
      delete (globalThis as { WebSocket?: unknown }).WebSocket
    })
    await page.goto(server.url)
    expect(await page.evaluate(() => (window as unknown as FaultWindow).WebSocket)).toBe(undefined)
    const { ms, transport } = await callFrom(page, server.url)
    expect(transport).toBe('polling')
    expect(ms).toBeLessThan(2_500)
    expect(server.faults).toEqual([])
    await page.context().close()
  })

  test('of another origin asks for permission once for each URL, however much it sends and receives', async () => {
    await using home = await startServer(setUp)
    await using server = await startServer(setUp, { cors: { origin: home.url } })
    await using proxy = await HttpFaultProxy.start(server.port)
    const page = await browser.newPage()
    await page.goto(home.url)
    await callFrom(page, proxy.url, { transports: ['polling'] })
    await page.evaluate(async () => {
      const { socket } = window as unknown as FaultWindow
      for (let i = 0; i < 20; i++) await socket.timeout(5_000).emitWithAck('echo', i)
    })
    expect(proxy.posts).toBeGreaterThan(20)
    expect(proxy.gets).toBeGreaterThan(20)
    const asked = proxy.requests.filter(({ method }) => method === 'OPTIONS').map(({ path }) => path)
    expect(asked.length).toBe(new Set(asked).size)
    // One to send, one to receive.
    expect(asked.length).toBe(2)
    expect(await page.evaluate(() => (window as unknown as FaultWindow).ends)).toEqual([])
    await page.context().close()
  })

  test('does not wait for the requests of another tab', async () => {
    await using server = await startServer(setUp)
    const page = await browser.newPage()
    const other = await page.context().newPage()
    for (const tab of [page, other]) {
      await tab.goto(server.url)
      await callFrom(tab, server.url, { transports: ['polling'] })
    }
    // Each has a GET that is held for 4 s; an answer may not have to wait for the other's.
    for (const tab of [page, other, page]) {
      const ms = await tab.evaluate(async () => {
        const before = performance.now()
        await (window as unknown as FaultWindow).socket.timeout(9_000).emitWithAck('echo', 1)
        return performance.now() - before
      })
      expect(ms).toBeLessThan(1_500)
    }
    await page.context().close()
  })

  test('of another origin sends cookies if it and the server say so, and none if not', async () => {
    await using home = await startServer(setUp)
    await using server = await startServer(setUp, { cors: { origin: home.url, credentials: true } })
    const page = await browser.newPage()
    // Another origin, and the same site: a cookie of the loopback belongs to all its ports.
    await page.context().addCookies([{ name: 'who', value: 'me', url: server.url }])
    await page.goto(home.url)
    for (const withCredentials of [true, false]) {
      await callFrom(page, server.url, { transports: ['polling'], withCredentials, forceNew: true })
      const cookie = await page.evaluate(() => (window as unknown as FaultWindow).socket.emitWithAck('cookie'))
      expect(cookie).toBe(withCredentials ? 'who=me' : '')
    }
    await page.context().close()
  })

  test('of an origin that the server does not know is refused', async () => {
    await using home = await startServer(setUp)
    await using server = await startServer(setUp)
    const page = await browser.newPage()
    await page.goto(home.url)
    await page.evaluate((url) => {
      const own = window as unknown as FaultWindow
      own.ends = []
      own.io(url, { transports: ['polling'] }).on('connect_error', (error) => own.ends.push(error))
    }, server.url)
    await page.waitForFunction(() => (window as unknown as FaultWindow).ends.length > 0)
    expect(server.io.engine.clientsCount).toBe(0)
    await page.context().close()
  })
})
