import type { RawStream } from '../raw-stream'
import type { History } from './history'
import type { GapReport } from './records'

/** The id of a message among the arguments of an event; undefined for an event that is not in the history. */
export type MsgIdOf = (event: string, args: readonly unknown[]) => string | undefined

/** Options of the observers. */
export interface ObserveOptions {
  /** @default the first argument if it is text, or its `msgId` */
  readonly msgIdOf?: MsgIdOf
}

/** What is needed of a socket. */
export interface ObservedSocket {
  readonly connected: boolean
  readonly recovered?: boolean
  on(event: string, listener: (...args: unknown[]) => void): unknown
  onAny(listener: (event: string, ...args: unknown[]) => void): unknown
}

/** What is needed of the handle of a room. */
export interface ObservedRoom {
  readonly name: string
  readonly state?: unknown
  readonly messages: readonly { readonly event: string; readonly args: readonly unknown[] }[]
  on(event: string, listener: (...args: unknown[]) => void): unknown
}

/** Records the life of a socket and what it is given. Rooms are in {@link observeRoom}, or `history.joined` by the server. */
export function observeSocket(
  history: History,
  session: string,
  socket: ObservedSocket,
  { msgIdOf = firstArgument }: ObserveOptions = {},
): void {
  const onConnect = () => history.connected(session, socket.recovered === true)
  if (socket.connected) onConnect()
  socket.on('connect', onConnect)
  socket.on('disconnect', () => history.disconnected(session))
  socket.on('gap', (report) => {
    const { room, from, to, repaired } = report as GapReport
    history.gap(session, { room, from, to, repaired })
  })
  socket.onAny((event, ...args) => {
    const msgId = msgIdOf(event, args)
    if (msgId !== undefined) history.delivered(session, msgId)
  })
}

/** Options of {@link observeRoom}. */
export interface RoomOptions extends ObserveOptions {
  /** Events of the application that the handle is listened to for. @default none: what it gives and shows is not recorded */
  readonly events?: readonly string[]
  /** Ids of the messages that an application shows at a join and a `snapshot`, oldest first. @default those of `messages` */
  readonly shownOf?: (room: ObservedRoom) => readonly string[]
  /**
   * What is shown may be newer than where the handle is, as with an asynchronous `snapshot`: messages of it may come once more,
   * which the application passes over.
   *
   * @default false
   */
  readonly mayOverlap?: boolean
}

/**
 * Records the life of a room that a client has joined, from now on. Its messages and gaps are those of the socket, to be observed
 * as well. With `events` the handle is looked at as a stream of its own too, as by an application that has nothing else: it renders
 * what the handle shows now and at each `snapshot`, and adds what comes to its listeners.
 */
export function observeRoom(history: History, session: string, room: ObservedRoom, options: RoomOptions = {}): void {
  const { msgIdOf = firstArgument, events = [] } = options
  const { shownOf = (room) => messagesOf(room, msgIdOf) } = options
  const { name } = room
  // What may be newer does not say where the handle is.
  const anchor = () => (options.mayOverlap ? {} : { after: shownOf(room).at(-1) })
  history.joined(session, name, 'client', anchor())
  // Its messages are those from before, until the snapshot that follows.
  room.on('rejoin', (recovered) => history.rejoined(session, name, recovered === true))
  room.on('snapshot', () => history.snapshot(session, name, anchor()))
  room.on('closed', () => history.left(session, name))
  if (events.length > 0) observeView(history, session, room, { ...options, msgIdOf, events, shownOf })
}

function observeView(
  history: History,
  session: string,
  room: ObservedRoom,
  { msgIdOf, events, shownOf, mayOverlap = false }: RoomOptions & Required<Omit<RoomOptions, 'mayOverlap'>>,
): void {
  const view = { session, room: room.name, view: history.records.length }
  let passedOver = new Set<string>()
  const render = () => {
    const msgIds = shownOf(room)
    history.rendered(view, msgIds)
    if (mayOverlap) passedOver = new Set(msgIds)
  }
  render()
  room.on('snapshot', render)
  room.on('gap', (report) => {
    const { from, to, repaired } = report as GapReport
    if (!repaired) history.missed(view, from, to)
  })
  for (const event of events) {
    room.on(event, (...args) => {
      const msgId = msgIdOf(event, args)
      if (msgId !== undefined && !passedOver.delete(msgId)) history.added(view, msgId)
    })
  }
}

function messagesOf({ messages }: ObservedRoom, msgIdOf: MsgIdOf): string[] {
  return messages.map(({ event, args }) => msgIdOf(event, args)).filter((id) => id !== undefined)
}

/** Options of {@link recordStream}. */
export interface StreamOptions extends ObserveOptions {
  readonly epoch?: string
  /**
   * What arrived, as it arrived; or what an application would have been given of it, where frames were lost and sent again.
   * @default 'received'
   */
  readonly messages?: 'delivered' | 'received'
}

/**
 * Records the account of a raw client, with positions, when the run is over.
 *
 * @param room  Its name; null for the stream of the socket alone.
 */
export function recordStream(
  history: History,
  session: string,
  room: string | null,
  stream: RawStream,
  { msgIdOf = firstArgument, epoch, messages = 'received' }: StreamOptions = {},
): void {
  if (stream.begin !== null) history.joined(session, room, 'server', { position: stream.begin })
  for (const { position, event, args } of stream[messages]) {
    const msgId = msgIdOf(String(event), args) ?? `position ${position}`
    history.delivered(session, msgId, { room, position, epoch })
  }
  for (const { from, to } of stream.skips) history.skipped(session, room, from, to)
  for (const { from, to } of stream.losts) history.gap(session, { room, from, to, repaired: false })
}

function firstArgument(_event: string, [first]: readonly unknown[]): string | undefined {
  if (typeof first === 'string') return first
  const msgId = (first as { readonly msgId?: unknown } | null | undefined)?.msgId
  return typeof msgId === 'string' ? msgId : undefined
}
