import { randomBytes } from 'node:crypto'
import { type ClientOptions, io, type Room, type Socket, type UserWatch } from '@roomcast/client'
import { expect, vi } from 'vitest'
import { errorOf } from '../../../test-kit/clients'
import type { ChatUser, ClientToServer, RoomName, ServerToClient } from '../src/events'

type Event = keyof ServerToClient

/** A tab of a chat visitor, without a page. Keeps everything it hears, so that nothing is lost between two awaits. */
export interface Visitor {
  readonly socket: Socket<ServerToClient, ClientToServer, ChatUser>
  /** The secret of the browser; another tab has the same. */
  readonly key: string
  /** The user that the login gave. */
  readonly user: ChatUser
  logIn(name: string): Promise<ChatUser>
  /** Goes into a room, and out of the one before, as the page does. */
  join(room: RoomName): Promise<Room<ServerToClient>>
  /** Says something in the room that it went into last. */
  say(text: string): Promise<unknown>
  /** Calls the server with whatever is given, as a page that keeps to no event map would. */
  call(event: string, ...args: unknown[]): Promise<unknown>
  /** As `call`, for what has to be refused. @returns the code */
  refusal(event: string, ...args: unknown[]): Promise<string>
  /** Sends without asking for an answer. */
  send(event: string, ...args: unknown[]): void
  /** Arguments of every `event` so far, oldest first. */
  heard<E extends Event>(event: E): Parameters<ServerToClient[E]>[]
  /** Waits until an `event` with these arguments has come. */
  hears<E extends Event>(event: E, ...args: Parameters<ServerToClient[E]>): Promise<void>
  /** Goes to the server and back: what was sent to this visitor before has arrived after it. */
  roundTrip(): Promise<void>
  leave(): void
}

/** A key as the page makes it. */
export function newKey(): string {
  return randomBytes(16).toString('hex')
}

/** Connects to the chat, without a user. */
export async function visit(url: string, key = newKey(), options: ClientOptions = {}): Promise<Visitor> {
  const socket: Visitor['socket'] = io(url, { forceNew: true, reconnection: false, ...options })
  const untyped = socket as unknown as Socket
  const log: { event: string; args: unknown[] }[] = []
  socket.onAny((event, ...args) => {
    log.push({ event, args })
  })
  await new Promise<void>((resolve, reject) => {
    socket.on('connect', resolve)
    socket.on('connect_error', reject)
  })

  const call = (event: string, ...args: unknown[]) => untyped.timeout(5_000).emitWithAck(event, ...args)
  const heard = <E extends Event>(event: E) =>
    log.filter((entry) => entry.event === event).map((entry) => entry.args as Parameters<ServerToClient[E]>)
  let room: Room<ServerToClient> | null = null
  return {
    socket,
    key,
    get user() {
      if (socket.user === null) throw new Error('nobody has logged in')
      return socket.user
    },
    logIn: (name) => socket.login({ name, key }),
    join: async (name) => {
      await room?.leave()
      room = await socket.join(name)
      return room
    },
    say: (text) => call('send message', room?.name, text),
    call,
    refusal: async (event, ...args) => (await errorOf(call(event, ...args))).code,
    send: (event, ...args) => void untyped.emit(event, ...args),
    heard,
    hears: (event, ...args) => vi.waitFor(() => expect(heard(event)).toContainEqual(args), { timeout: 5_000 }),
    roundTrip: async () => void (await errorOf(call('no such event'))),
    leave: () => void socket.disconnect(),
  }
}

/** Connects, logs in and goes into a room. */
export async function enter(url: string, name: string, room: RoomName = 'lobby', key = newKey()): Promise<Visitor> {
  const visitor = await visit(url, key)
  expect(await visitor.logIn(name)).toMatchObject({ name })
  await visitor.join(room)
  return visitor
}

/** The people of a room as one visitor is told of them, and who came and went since. */
export class Crowd {
  readonly passages: string[] = []

  constructor(private readonly watch: UserWatch<ChatUser>) {
    watch.on('join', ({ user }) => this.passages.push(`${user.name} joined`))
    watch.on('leave', ({ user }) => this.passages.push(`${user.name} left`))
  }

  static async of({ socket }: Visitor, room: RoomName = 'lobby'): Promise<Crowd> {
    return new Crowd(await socket.watchUsers(room))
  }

  /** Names, with the number of tabs where there are several: `Ada`, `Bob 3`. */
  names(): string[] {
    return this.watch.list().map(({ user, devices }) => (devices > 1 ? `${user.name} ${devices}` : user.name))
  }

  /** Waits until these are there, in order of arrival. */
  async is(...names: string[]): Promise<void> {
    await vi.waitFor(() => expect(this.names()).toEqual(names), { timeout: 6_000 })
  }
}
