import { io, type Socket } from '@roomcast/client'
import { expect, vi } from 'vitest'
import type { ClientToServer, JoinReply, ServerToClient } from '../src/events'

type Event = keyof ServerToClient

/** A chat user without a page. Keeps everything it hears, so that nothing is lost between two awaits. */
export interface Visitor {
  readonly socket: Socket<ServerToClient, ClientToServer>
  /** Calls the server with whatever is given, as a page that keeps to no event map would. */
  call(event: string, ...args: unknown[]): Promise<unknown>
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

/** Connects to the chat. */
export async function visit(url: string): Promise<Visitor> {
  const socket: Socket<ServerToClient, ClientToServer> = io(url, { forceNew: true, reconnection: false })
  const untyped = socket as unknown as Socket
  const log: { event: string; args: unknown[] }[] = []
  socket.onAny((event, ...args) => {
    log.push({ event, args })
  })
  await new Promise<void>((resolve, reject) => {
    socket.on('connect', resolve)
    socket.on('connect_error', reject)
  })

  const heard = <E extends Event>(event: E) =>
    log.filter((entry) => entry.event === event).map((entry) => entry.args as Parameters<ServerToClient[E]>)
  return {
    socket,
    call: (event, ...args) => untyped.timeout(5_000).emitWithAck(event, ...args),
    send: (event, ...args) => void untyped.emit(event, ...args),
    heard,
    hears: (event, ...args) => vi.waitFor(() => expect(heard(event)).toContainEqual(args), { timeout: 5_000 }),
    roundTrip: async () => void (await socket.timeout(5_000).emitWithAck('get users')),
    leave: () => void socket.disconnect(),
  }
}

/** Connects, logs in and goes into a room. */
export async function enter(url: string, name: string, room = 'lobby'): Promise<Visitor> {
  const visitor = await visit(url)
  expect(await visitor.call('new user', name)).toMatchObject({ ok: true, name })
  expect(await visitor.call('join room', room)).toMatchObject({ ok: true, room })
  return visitor
}

/** Messages in the answer to `join room`. */
export function messagesIn(reply: unknown): readonly { author: string; text: string }[] {
  const joined = reply as JoinReply
  if (!joined.ok) throw new Error(joined.error)
  return joined.messages
}
