import type { Server } from '@roomcast/server'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { launchBrowser, reasonToSkipBrowser, type TestBrowser } from '../../../test-kit/browser'
import { until } from '../../../test-kit/wait'
import { freePort, startServerOn } from './support'

/*
 * The built client in a real page, as the server serves it. Both pages run under the strictest policy that lets
 * scripts of the server itself run: no inline script, no `eval`.
 */

const noBrowser = reasonToSkipBrowser()

const POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'"
const OPTIONS = '{ reconnectionDelay: 20, reconnectionDelayMax: 50 }'

const PAGES: Readonly<Record<string, string>> = {
  '/': '<!doctype html><title>t</title><script src="/roomcast/client.js"></script><script src="/script.js"></script>',
  '/module': '<!doctype html><title>t</title><script type="module" src="/module.js"></script>',
}

const SCRIPTS: Readonly<Record<string, string>> = {
  '/script.js': `window.socket = io(${OPTIONS})`,
  '/module.js': `import { io, Manager, RoomcastError, isRoomcastError } from '/roomcast/client.mjs'
    window.exported = [Manager, RoomcastError, isRoomcastError].map((value) => typeof value)
    window.socket = io('/', ${OPTIONS})`,
}

/** What the page holds, as the tests see it from inside. */
interface PageWindow {
  readonly socket: {
    readonly connected: boolean
    readonly id: string
    emit(event: string, ...args: unknown[]): void
    emitWithAck(event: string, ...args: unknown[]): Promise<unknown>
    on(event: string, listener: (...args: unknown[]) => unknown): void
    timeout(ms: number): PageWindow['socket']
  }
  readonly exported: string[]
  log: unknown[]
}

function setUp(io: Server): void {
  io.http((request) => {
    const { pathname } = new URL(request.url)
    const page = PAGES[pathname]
    if (page !== undefined) {
      return new Response(page, { headers: { 'content-type': 'text/html', 'content-security-policy': POLICY } })
    }
    const script = SCRIPTS[pathname]
    if (script === undefined) return undefined
    return new Response(script, { headers: { 'content-type': 'text/javascript' } })
  })
  io.on('connection', (socket) => {
    socket.on('echo', (...args: unknown[]) => {
      const ack = args.pop() as (...results: unknown[]) => void
      ack(...args)
    })
    socket.on('call me', () => socket.emitWithAck('call', Uint8Array.of(1, 2, 3), new Date(1_000)))
  })
}

describe.skipIf(noBrowser)(`the client in Chromium${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  let browser: TestBrowser
  let server: AsyncDisposable & Server
  let page: Page
  let problems: string[] = []

  beforeAll(async () => {
    browser = await launchBrowser()
  })

  afterAll(() => browser?.close())

  beforeEach(async () => {
    problems = []
    server = await startServerOn(await freePort(), setUp)
    page = await browser.newPage()
    page.on('pageerror', (error) => problems.push(error.message))
    // Chromium writes violations of the policy to the console.
    page.on('console', (message) => {
      if (/Content Security Policy/i.test(message.text())) problems.push(message.text())
    })
  })

  afterEach(async () => {
    await page.context().close()
    await server.close()
    expect(problems).toEqual([])
  })

  /** Opens a page and waits until its socket is connected. */
  async function open(path: string): Promise<void> {
    await page.goto(`${server.url}${path}`)
    await isConnected()
  }

  async function isConnected(): Promise<void> {
    await page.waitForFunction(() => (window as unknown as PageWindow).socket?.connected)
  }

  async function expectRoundTrip(): Promise<void> {
    const result = await page.evaluate(async () => {
      const { socket } = window as unknown as PageWindow
      const sent = {
        bytes: Uint8Array.of(0, 127, 255),
        at: new Date(86_400_000),
        text: 'été 🙂',
        n: -0.25,
        list: [null, true],
      }
      const back = (await socket.emitWithAck('echo', sent)) as typeof sent
      return {
        bytes: back.bytes instanceof Uint8Array && [...back.bytes],
        at: back.at instanceof Date && back.at.getTime(),
        rest: [back.text, back.n, back.list],
      }
    })
    expect(result).toEqual({ bytes: [0, 127, 255], at: 86_400_000, rest: ['été 🙂', -0.25, [null, true]] })
  }

  test('loaded with a script tag defines io, and carries binary, dates and acks both ways', async () => {
    await open('/')
    await expectRoundTrip()
    const answer = await page.evaluate(async () => {
      const { socket } = window as unknown as PageWindow
      socket.on('call', (bytes, at) => [...(bytes as Uint8Array), (at as Date).getTime()])
      return socket.emitWithAck('call me')
    })
    expect(answer).toEqual([1, 2, 3, 1_000])
    expect(await page.evaluate(() => typeof (window as unknown as { io: { Manager: unknown } }).io.Manager)).toBe(
      'function',
    )
  })

  test('loaded as a module does the same, and exports what the package exports', async () => {
    await open('/module')
    await expectRoundTrip()
    const exported = await page.evaluate(() => (window as unknown as PageWindow).exported)
    expect(exported).toEqual(['function', 'function', 'function'])
  })

  test('comes back after a restart of the server, and sends what waited', async () => {
    await open('/')
    const before = await page.evaluate(() => {
      const own = window as unknown as PageWindow
      own.log = []
      own.socket.on('disconnect', (reason, details) => own.log.push([reason, (details as { code: number }).code]))
      return own.socket.id
    })
    const { port } = server
    await server.close()
    await page.waitForFunction(() => !(window as unknown as PageWindow).socket.connected)
    await page.evaluate(() => {
      const own = window as unknown as PageWindow
      own.socket.emit('echo', 'waited', (value: unknown) => own.log.push(value))
    })
    server = await startServerOn(port, setUp)
    await page.waitForFunction(() => (window as unknown as PageWindow).log.length === 2)
    await isConnected()
    const after = await page.evaluate(() => {
      const { socket, log } = window as unknown as PageWindow
      return { id: socket.id, log }
    })
    expect(after.id).not.toBe(before)
    expect(after.log).toEqual([['transport close', 1012], 'waited'])
    await expectRoundTrip()
  })

  test('is told the code and the reason when it is refused', async () => {
    server.use((_socket, next) => next(Object.assign(new Error('not you'), { data: { retry: false } })))
    await page.goto(`${server.url}/`)
    const error = await page.evaluate(
      () =>
        new Promise((resolve) => {
          const socket = (window as unknown as { io: (options: object) => PageWindow['socket'] }).io({ forceNew: true })
          socket.on('connect_error', (refusal) => {
            const { code, message, data } = refusal as { code: string; message: string; data: unknown }
            resolve({ code, message, data })
          })
        }),
    )
    expect(error).toEqual({ code: 'CONNECT_REFUSED', message: 'not you', data: { retry: false } })
  })

  test('leaves the server when the page is closed', async () => {
    await open('/')
    expect(server.engine.clientsCount).toBe(1)
    await page.close()
    await until(() => server.engine.clientsCount === 0)
  })
})
