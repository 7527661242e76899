import type { ClientOptions, Room } from '@roomcast/client'
import type { Server } from '@roomcast/server'
import type { CutHow } from '../../../test-kit/fault-link'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import type { History } from '../../../test-kit/history/history'
import { observeRoom, observeSocket } from '../../../test-kit/history/observe'
import type { Audience } from '../../../test-kit/history/records'
import type { Violation } from '../../../test-kit/history/violation'
import type { Random } from '../../../test-kit/random'
import { connect } from './fault-support'
import type { TestSocket } from './support'

/** Between two looks at a whole history, which take long. */
const CHECK_EVERY_MS = 100

/**
 * The way of one client to a server. It can be cut for both sides, or for the client alone: the server then goes on believing
 * in the old link, while a new one leads to it by another proxy.
 */
export class Line implements AsyncDisposable {
  /** Links that were cut or severed so far, those that had waited for their byte included. */
  get kills(): number {
    return this.cuts + [...this.severed, this.back].reduce((sum, proxy) => sum + proxy.cuts, 0)
  }

  private cuts = 0
  /** Proxies whose links lead on to the server, without a word. */
  private readonly severed: FaultProxy[] = []

  private constructor(
    private readonly front: FaultProxy,
    private back: FaultProxy,
    private serverPort: number,
  ) {}

  static async start(serverPort: number): Promise<Line> {
    const back = await FaultProxy.start(serverPort)
    return new Line(await FaultProxy.start(back.port), back, serverPort)
  }

  get url(): string {
    return this.front.url
  }

  /** Links of the client that are open. */
  get openLinks(): number {
    return this.front.openLinks
  }

  /** The proxy behind which the server is, for faults of other kinds. */
  get proxy(): FaultProxy {
    return this.back
  }

  cut(how: CutHow = 'reset'): void {
    this.cuts++
    this.back.cut(how)
  }

  /** Cuts the first link on which so many bytes went through. */
  cutAfter(bytes: number, direction: 'down' | 'up', how: CutHow): void {
    this.back.cutAfter(bytes, direction, { how })
  }

  /** Nothing comes through any more, and nobody is told. New links are as good as ever. */
  async sever(): Promise<void> {
    this.cuts++
    const fresh = await FaultProxy.start(this.serverPort)
    this.back.swallow()
    this.severed.push(this.back)
    this.back = fresh
    this.front.serverPort = fresh.port
  }

  /** No way leads to the server, until {@link mend}. */
  refuse(): void {
    this.back.refuse()
    this.cut()
  }

  mend(): void {
    this.back.pass()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.front[Symbol.asyncDispose]()
    await Promise.all([...this.severed, this.back].map((proxy) => proxy[Symbol.asyncDispose]()))
  }
}

/** Connects a client whose life is recorded. @param name  What the history calls it, which the server is told as `auth.name`. */
export function connectObserved(history: History, name: string, url: string, options: ClientOptions = {}): TestSocket {
  const socket = connect(url, { auth: { name }, ...options })
  observeSocket(history, name, socket)
  return socket
}

/** Joins a room, which is recorded. */
export async function joinObserved(history: History, name: string, socket: TestSocket, room: string): Promise<Room> {
  const handle = await socket.join(room)
  observeRoom(history, name, handle, { events: ['m'] })
  return handle
}

/** Puts each socket that connects into rooms, unless it has come back to them. The history calls it `auth.name`. */
export function admitTo(io: Server, history: History, roomsOf: (name: string) => readonly string[]): void {
  io.on('connection', (socket) => {
    if (socket.recovered) return
    const { name } = socket.handshake.auth as { name: string }
    for (const room of roomsOf(name)) {
      history.joined(name, room, 'server')
      socket.join(room)
    }
  })
}

/** Sends messages that the history knows of, each with its id as the first argument. */
export class Writer {
  count = 0

  constructor(
    private readonly io: Server,
    private readonly history: History,
  ) {}

  /** Goes on with the numbers on a server that has taken the place of this one's. */
  onAnother(io: Server): Writer {
    const writer = new Writer(io, this.history)
    writer.count = this.count
    return writer
  }

  /** To a room, several rooms or everybody. @param except  Name and socket id of who is left out. */
  write(
    to: Exclude<Audience, { readonly session: string }>,
    except?: { readonly name: string; readonly sid: string },
  ): string {
    const msgId = `m${this.count++}`
    this.history.published(msgId, to, { except: except === undefined ? [] : [except.name] })
    const rooms = to === null ? [] : [to as string | string[]].flat()
    let target = this.io.to(rooms)
    if (except !== undefined) target = target.except(except.sid)
    target.emit('m', msgId)
    return msgId
  }

  /** To one session. @param target  Its room: the id of the socket, as it was the last time. */
  writeTo(name: string, target: { emit(event: string, ...args: unknown[]): unknown }): string {
    const msgId = `m${this.count++}`
    this.history.published(msgId, { session: name })
    target.emit('m', msgId)
    return msgId
  }
}

/** What is broken when all is quiet, or when it does not become whole in time. An empty list is a whole history. */
export async function settled(history: History, limitMs = 15_000): Promise<Violation[]> {
  const deadline = performance.now() + limitMs
  for (;;) {
    const away = history.away()
    const violations = away.length > 0 ? [] : history.check()
    if (away.length === 0 && violations.length === 0) return []
    if (performance.now() > deadline) {
      if (away.length > 0) throw new Error(`waited ${limitMs} ms for ${away}`)
      return violations
    }
    await new Promise((resolve) => setTimeout(resolve, CHECK_EVERY_MS))
  }
}

/** Some of the clients of a test begin by each transport, or have no other. */
export const MIXED: readonly (readonly string[])[] = [
  ['websocket'],
  ['polling'],
  ['polling', 'websocket'],
  ['websocket', 'polling'],
]

/** A turn of the loop, or a few milliseconds: whatever is under way gets further, by no more than that. */
export function moment(random: Random): Promise<unknown> {
  if (random.chance(0.4)) return new Promise((resolve) => setImmediate(resolve))
  return new Promise((resolve) => setTimeout(resolve, random.below(6)))
}
