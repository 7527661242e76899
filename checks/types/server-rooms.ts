import {
  type Joiner,
  type JoinRule,
  type RoomMessage,
  type RoomPolicy,
  Server,
  type SnapshotHook,
} from '@roomcast/server'
import type { ClientToServer, ServerToClient, ServerToServer, SocketData } from './events'
import { sameType } from './events'

/* Policies of rooms, history and sessions, on the server; see client.ts. */

interface Player {
  readonly id: string
  readonly name: string
  readonly score: number
}

const login = () => ({ id: 'ada', name: 'Ada', score: 0 })

export function rulesRooms() {
  const game = new Server<ClientToServer, ServerToClient, ServerToServer, SocketData, Player>({ login })
  game.rooms('table:*', {
    authorize: (joiner, room, params) => {
      sameType<typeof joiner, Joiner<Player>>()
      sameType<typeof joiner.user, Player | null>()
      sameType<typeof room, string>()
      return joiner.user !== null && joiner.user.score >= params.stake
    },
    history: { messages: 500, bytes: 65_536, ageMs: 60_000, read: 'nobody' },
    snapshot: ({ user }, room) => ({ room, score: user?.score }),
    presence: { mode: 'count' },
  })
  game.rooms('price:*', {
    authorize: async ({ user }) => user?.name === 'Ada',
    history: { retain: (event, price) => (event === 'news' ? String(price.symbol) : undefined) },
    snapshot: 'retained',
  })
  game.of('/lobby').rooms('*', { history: true, snapshot: 50 }).rooms('bare:*', { history: false })
  game.rooms('quote:*', {
    latest: {
      key: (event, quote) => (event === 'news' ? String(quote.symbol) : undefined),
      retain: true,
      merge: ([older], [newer]) => [{ ...older, ...newer }],
    },
    flush: { tickMs: 16 },
  })
  game.rooms('chat:*', { flush: 'immediate', latest: {} })
  // @ts-expect-error a key is a text, or there is none
  game.rooms('*', { latest: { key: () => 7 } })
  // @ts-expect-error arguments are a list
  game.rooms('*', { latest: { merge: (_older, newer) => newer[0].text as string } })
  // @ts-expect-error there is no such time
  game.rooms('*', { flush: 'later' })
  game.rooms('later:*', { snapshot: async ({ rooms }) => rooms.size })
  // @ts-expect-error a player has no such field
  game.rooms('*', { authorize: ({ user }) => user?.age === 7 })
  // @ts-expect-error a rule says yes or no
  game.rooms('*', { authorize: ({ user }) => user?.name })
  // @ts-expect-error also when it answers later
  game.rooms('*', { authorize: async ({ user }) => user?.name })
  // @ts-expect-error a player has no such field
  game.rooms('*', { snapshot: ({ user }) => user?.age })
  // @ts-expect-error there is no such snapshot
  game.rooms('*', { snapshot: 'all' })
  // @ts-expect-error nobody outside reads
  game.rooms('*', { history: { read: 'everybody' } })
  // @ts-expect-error a number of messages is a number
  game.rooms('*', { history: { messages: '500' } })
  // @ts-expect-error it is a policy of rooms
  game.rooms('*', { login })
  // @ts-expect-error a pattern is text
  game.rooms(/^table:/, { history: true })
}

export function keepsRules() {
  const authorize: JoinRule<Player> = ({ user }) => (user?.score ?? 0) > 0
  const snapshot: SnapshotHook<Player> = ({ user }) => user?.score
  const policy: RoomPolicy<Player> = { authorize, snapshot }
  new Server<ClientToServer, ServerToClient, ServerToServer, SocketData, Player>().rooms('*', policy)
  const anybodys: RoomPolicy = { authorize: ({ user }) => user?.anything === 7 }
  new Server().rooms('*', anybodys)
}

declare const io: Server<ClientToServer, ServerToClient, ServerToServer, SocketData>

export async function readsHistory() {
  const messages = await io.to('table:7').history({ limit: 20, before: 100 })
  sameType<typeof messages, RoomMessage[]>()
  for (const { seq, at, event, args } of messages) {
    sameType<typeof seq | typeof at, number>()
    sameType<typeof event, string>()
    sameType<typeof args, readonly unknown[]>()
  }
  await io.of('/lobby').in('table:7').history()
  // @ts-expect-error a limit is a number
  await io.to('table:7').history({ limit: '20' })
  // @ts-expect-error there is no such option
  await io.to('table:7').history({ after: 100 })
  // @ts-expect-error it is of a room, not of everybody
  await io.history()
  // @ts-expect-error a list that may be empty
  messages[0].seq.toFixed()
}

export function keepsSessions() {
  new Server({ connectionStateRecovery: true, maxHistoryBytes: 1_048_576 })
  new Server({ connectionStateRecovery: { maxDisconnectionDuration: 60_000, skipMiddlewares: true, maxSessions: 100 } })
  new Server({ connectionStateRecovery: { history: { messages: 100, ageMs: 60_000 } } })
  io.on('connection', ({ recovered }) => sameType<typeof recovered, boolean>())
  // @ts-expect-error milliseconds are a number
  new Server({ connectionStateRecovery: { maxDisconnectionDuration: '2 min' } })
  // @ts-expect-error who reads is a rule of rooms
  new Server({ connectionStateRecovery: { history: { read: 'nobody' } } })
}
