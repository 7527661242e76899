import { type AddressInfo, connect as connectTcp, createServer, type Socket as TcpSocket } from 'node:net'
import { type ClientOptions, io } from '@roomcast/client'
import type { Server } from '@roomcast/server'
import { beforeAll, test } from 'vitest'
import { WebSocket } from 'ws'
import { reset } from '../../../test-kit/fault-link'
import { Manager, type Platform } from '../src/manager/manager'
import type { Socket } from '../src/socket/socket'
import { pollingTransport } from '../src/transport/polling'
import type { OpenTransport } from '../src/transport/transport'
import { type WebSocketLike, webSocketTransport } from '../src/transport/websocket'
import { disposable, type TestSocket } from './support'

/** Reconnects without making the test wait, by every transport. */
export const QUICK: ClientOptions = { reconnectionDelay: 10, reconnectionDelayMax: 20 }

/** Connects on a connection of its own, with short delays. */
export function connect(url: string, options: ClientOptions = {}): TestSocket {
  return disposable(io(url, { forceNew: true, ...QUICK, ...options }))
}

/** As `until` of the test kit, for what takes its time by design. */
export async function eventually<T>(condition: () => T | Promise<T>, what: string, limitMs: number): Promise<T> {
  const deadline = performance.now() + limitMs
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Milliseconds that `run` takes. */
export async function timeOf(run: Promise<unknown>): Promise<number> {
  const before = performance.now()
  await run
  return performance.now() - before
}

/** Numbers that should come once each and in order. */
export class Numbers {
  /** What came again, or behind a later one. */
  readonly faults: string[] = []
  /** Numbers that were left out so far. */
  gaps = 0
  last = -1

  take(value: number): void {
    if (value <= this.last) this.faults.push(`${value} after ${this.last}`)
    else this.gaps += value - this.last - 1
    this.last = Math.max(this.last, value)
  }
}

/**
 * A connection with a store of its own, whose WebSockets take a way of their own, through a proxy before the same server.
 *
 * @param wrap  May lose frames of the WebSocket.
 */
export function connectSplit(
  urls: { readonly polling: string; readonly websocket: string },
  options: ClientOptions = {},
  wrap: (open: OpenTransport) => OpenTransport = (open) => open,
): { manager: Manager; socket: TestSocket } {
  const direct = webSocketTransport((url, subprotocols) => {
    const target = new URL(url)
    target.host = new URL(urls.websocket).host
    return new WebSocket(target, subprotocols, { perMessageDeflate: false }) as unknown as WebSocketLike
  })
  const transports = { polling: pollingTransport, websocket: wrap(direct) }
  const platform: Platform = { transports, store: new Map<string, string>() }
  const manager = new Manager(new URL(urls.polling), { ...QUICK, ...options }, platform)
  return { manager, socket: disposable(manager.socket('/')) }
}

/** What became of a socket: how often it connected, and how it was disconnected each time. */
export interface Story {
  connects: number
  readonly ends: string[]
}

export function follow(socket: Socket): Story {
  const story: Story = { connects: 0, ends: [] }
  socket.on('connect', () => story.connects++)
  socket.on('disconnect', (reason, details) => story.ends.push(`${reason} ${details?.code}`))
  return story
}

/** Handlers for most tests: `n` collects numbers of each sender by its name, and answers. */
export function collectNumbers(io: Server): Map<string, Numbers> {
  const bySender = new Map<string, Numbers>()
  io.on('connection', (socket) => {
    socket.on('n', (sender: string, value: number) => {
      const numbers = bySender.get(sender) ?? new Numbers()
      bySender.set(sender, numbers)
      numbers.take(value)
      return value
    })
    socket.on('echo', (value: unknown) => value)
  })
  return bySender
}

/** Emits numbers without a pause until it is stopped. */
export class Sender {
  /** How many it has emitted. */
  count = 0
  private timer: NodeJS.Timeout

  constructor(
    private readonly socket: Socket,
    private readonly name: string,
    everyMs = 5,
  ) {
    this.timer = setInterval(() => this.emit(), everyMs)
    this.emit()
  }

  private emit(): void {
    this.socket.emit('n', this.name, this.count++)
  }

  stop(): this {
    clearInterval(this.timer)
    return this
  }
}

/**
 * Tests that wait most of the time: all of them run at once, however few the runner would, and each is reported as a
 * test of its own.
 */
export function sideBySide(limitMs: number, scenarios: Readonly<Record<string, () => Promise<void>>>): void {
  const runs = new Map<string, Promise<void>>()
  beforeAll(() => {
    for (const [title, scenario] of Object.entries(scenarios)) {
      const run = scenario()
      // It is looked at when the turn of its test comes.
      run.catch(() => {})
      runs.set(title, run)
    }
  })
  for (const title of Object.keys(scenarios)) test(title, { timeout: limitMs }, () => runs.get(title))
}

/** How often a proxy looks at a link within the time that it may be idle. */
const IDLE_LOOKS = 30

/** A proxy that resets links on which nothing went either way for some time, or that are old. */
export class ImpatientProxy implements AsyncDisposable {
  /** Links that it has reset. */
  cuts = 0
  private readonly links = new Set<TcpSocket>()

  private constructor(
    private readonly listener: ReturnType<typeof createServer>,
    private readonly rules: { readonly idleMs?: number; readonly lifeMs?: number },
    serverPort: number,
  ) {
    listener.on('connection', (client) => this.join(client, connectTcp(serverPort, '127.0.0.1')))
  }

  static async start(
    serverPort: number,
    rules: { readonly idleMs?: number; readonly lifeMs?: number },
  ): Promise<ImpatientProxy> {
    const listener = createServer()
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    return new ImpatientProxy(listener, rules, serverPort)
  }

  get url(): string {
    return `http://127.0.0.1:${(this.listener.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.links) socket.destroy()
    await new Promise((resolve) => this.listener.close(resolve))
  }

  private join(client: TcpSocket, server: TcpSocket): void {
    const { idleMs, lifeMs } = this.rules
    const cut = () => {
      if (client.destroyed) return
      this.cuts++
      reset(client)
      reset(server)
    }
    const life = lifeMs === undefined ? undefined : setTimeout(cut, lifeMs)
    // Counted in looks: a process that stands still looks once, and both ends of the link stand still with it.
    let quietLooks = 0
    const look = () => {
      if (++quietLooks >= IDLE_LOOKS) cut()
    }
    const idle = idleMs === undefined ? undefined : setInterval(look, idleMs / IDLE_LOOKS)
    const live = () => {
      quietLooks = 0
    }
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.links.add(from)
      from.setNoDelay()
      from.on('error', () => {})
      from.on('data', (bytes) => {
        live()
        to.write(bytes)
      })
      from.on('end', () => to.end())
      from.on('close', () => {
        this.links.delete(from)
        clearTimeout(life)
        clearInterval(idle)
        to.destroy()
      })
    }
  }
}

/** Clients that leave together. */
export class Crowd implements Disposable {
  readonly sockets: TestSocket[] = []
  readonly stories: Story[] = []

  constructor(
    private readonly url: string,
    private readonly options: ClientOptions = {},
  ) {}

  /** Adds so many clients that begin with a transport. */
  add(count: number, options: ClientOptions): this {
    for (let i = 0; i < count; i++) {
      const socket = connect(this.url, { ...this.options, ...options })
      this.sockets.push(socket)
      this.stories.push(follow(socket))
    }
    return this
  }

  get areConnected(): boolean {
    return this.sockets.every((socket) => socket.connected)
  }

  /** How all of them were disconnected. */
  get ends(): string[] {
    return this.stories.flatMap(({ ends }) => ends)
  }

  /** Has each of them ask for something, and waits for all answers. */
  async echo(limitMs = 10_000): Promise<void> {
    await Promise.all(this.sockets.map((socket) => socket.timeout(limitMs).emitWithAck('echo', 1)))
  }

  [Symbol.dispose](): void {
    for (const socket of this.sockets) socket.disconnect()
  }
}
