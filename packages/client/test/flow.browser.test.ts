import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchBrowser, reasonToSkipBrowser, type TestBrowser } from '../../../test-kit/browser'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'

/* `bufferedAmount` of a real browser, which tells of it in its own way: it is lower only in another task. */

const noBrowser = reasonToSkipBrowser()
const PAGE = '<!doctype html><title>t</title><link rel="icon" href="data:,"><script src="/roomcast/client.js"></script>'

/** What the page holds, as the tests see it from inside. */
interface PageWindow {
  io(options: object): PageWindow['socket']
  socket: {
    readonly connected: boolean
    readonly volatile: PageWindow['socket']
    readonly conn: {
      readonly buffered: number
      readonly congestion: string
      drained(): Promise<void>
      on(event: 'congestion', listener: (congestion: string) => void): void
    }
    emit(event: string, ...args: unknown[]): void
    emitWithAck(event: string, ...args: unknown[]): Promise<unknown>
  }
  told: string[]
  drained: Promise<void>
}

describe.skipIf(noBrowser)(`sending from Chromium${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  let browser: TestBrowser

  beforeAll(async () => {
    browser = await launchBrowser()
  })

  afterAll(() => browser?.close())

  test.each(['websocket', 'polling'])('what waits is counted, told of and waited for, on %s', async (transport) => {
    const arrived: string[] = []
    await using server = await startServer(
      (io) => {
        io.http((request) =>
          new URL(request.url).pathname === '/'
            ? new Response(PAGE, { headers: { 'content-type': 'text/html' } })
            : undefined,
        )
        io.on('connection', (socket) => {
          socket.onAny((event) => arrived.push(event))
          socket.on('echo', (value: unknown) => value)
        })
      },
      // Megabytes come at once.
      { pingInterval: 60_000, pingTimeout: 60_000, rateLimits: false },
    )
    await using proxy = await FaultProxy.start(server.port)
    const page = await browser.newPage()
    await page.goto(proxy.url)
    await page.evaluate(async (transport) => {
      const own = window as unknown as PageWindow
      own.socket = own.io({ transports: [transport] })
      own.told = []
      own.socket.conn.on('congestion', (congestion) => own.told.push(congestion))
    }, transport)
    await page.waitForFunction(() => {
      const { socket } = window as unknown as PageWindow
      return socket.connected && socket.conn.buffered === 0
    })
    proxy.stall('up')
    const [count, buffered] = await page.evaluate(async () => {
      const own = window as unknown as PageWindow
      const { conn } = own.socket
      const chunk = new Uint8Array(65_536)
      let count = 0
      while (conn.congestion !== 'over') {
        own.socket.emit('chunk', chunk)
        count++
        // The browser, and the kernel, take what they can.
        await new Promise((resolve) => setTimeout(resolve))
      }
      own.drained = conn.drained()
      own.socket.volatile.emit('dropped')
      return [count, conn.buffered] as const
    })
    expect(buffered).toBeGreaterThanOrEqual(1_048_576)
    await page.waitForFunction(() => (window as unknown as PageWindow).told.at(-1) === 'over')
    proxy.pass()
    const after = await page.evaluate(async () => {
      const own = window as unknown as PageWindow
      await own.drained
      const { buffered, congestion } = own.socket.conn
      await own.socket.emitWithAck('echo', 1)
      return { isLow: buffered < 131_072, congestion, told: own.told.at(-1) }
    })
    expect(after).toEqual({ isLow: true, congestion: 'none', told: 'none' })
    await until(() => arrived.at(-1) === 'echo')
    expect(arrived).toEqual([...Array(count).fill('chunk'), 'echo'])
    await page.context().close()
  })
})
