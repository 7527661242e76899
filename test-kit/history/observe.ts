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

/** Records the life of a room that a client has joined, from now on. Its messages and gaps are those of the socket. */
export function observeRoom(
  history: History,
  session: string,
  room: ObservedRoom,
  { msgIdOf = firstArgument }: ObserveOptions = {},
): void {
  const anchor = () => {
    const ids = room.messages.map(({ event, args }) => msgIdOf(event, args))
    return { after: ids.filter((id) => id !== undefined).at(-1) }
  }
  history.joined(session, room.name, 'client', anchor())
  // Its messages are those from before, until the snapshot that follows.
  room.on('rejoin', (recovered) => history.rejoined(session, room.name, recovered === true))
  room.on('snapshot', () => history.snapshot(session, room.name, anchor()))
  room.on('closed', () => history.left(session, room.name))
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
