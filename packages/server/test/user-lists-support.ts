import type { Login, Server, ServerOptions, Socket, UserList } from '@roomcast/server'
import { RawUser } from '../../../test-kit/raw-user'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'

/** Longer than any test: what waits for it does not happen. */
export const NEVER_MS = 600_000
/** Short, where a test waits for it. */
export const SHORT_MS = 100

/** Anybody who says who they are. */
export const byId: Login = ({ id, ...profile }) => ({ id, ...profile })

/** Handlers of a namespace whose clients join and leave as they like. */
export function serve(namespace: { on(event: 'connection', listener: (socket: Socket) => void): unknown }): void {
  namespace.on('connection', (socket) => {
    socket.on('join', (room: string) => {
      socket.join(room)
      return true
    })
    socket.on('leave', (room: string) => {
      socket.leave(room)
      return true
    })
  })
}

export function startPeople(options: ServerOptions = {}, setUp: (io: Server) => void = () => {}): Promise<TestServer> {
  return startServer(
    (io) => {
      serve(io.sockets)
      setUp(io)
    },
    { login: byId, allowAnonymous: true, presence: { graceMs: NEVER_MS }, ...options },
  )
}

/** A user who has joined rooms. */
export async function member(server: TestServer, id: string, ...rooms: string[]): Promise<RawUser> {
  const user = await RawUser.connect(server.port, { id })
  for (const room of rooms) await user.call('join', room)
  return user
}

/** Their socket on the server. */
export function socketOf(server: TestServer, user: RawUser): Socket {
  const socket = server.io.sockets.sockets.get(user.sid)
  if (socket === undefined) throw new Error('the user has no socket')
  return socket as Socket
}

/** What a list tells its listeners, as it comes. */
export function record(list: UserList): string[] {
  const events: string[] = []
  for (const event of ['join', 'leave', 'change'] as const)
    list.on(event, ({ user, devices }) => void events.push(`${event} ${user.id} ${devices}`))
  return events
}

export async function ids(list: UserList): Promise<string[]> {
  return (await list.list()).map(({ user }) => user.id)
}

export type Sized = { readonly size: number }

/** The inside of a namespace's people. */
export interface Kept {
  readonly rosters: Sized & { readonly everybody: Sized & { readonly feeds: Sized } }
  readonly watches: Sized
  readonly directory: { readonly accounts: Sized; readonly names: Sized }
}

/** What a server keeps for people, beyond who is there. */
export function kept(io: Server) {
  const { runtime, topics, namespaces } = io as unknown as {
    runtime: { wheel: { size: number } }
    topics: { size: number }
    namespaces: { all(): { people: { known: Kept } }[] }
  }
  const sum = { deadlines: runtime.wheel.size, topics: topics.size, listed: 0, feeds: 0, lists: 0, watching: 0 }
  const users = { accounts: 0, names: 0 }
  for (const { people } of namespaces.all()) {
    const { rosters, watches, directory } = people.known
    sum.listed += rosters.everybody.size
    sum.feeds += rosters.everybody.feeds.size
    sum.lists += rosters.size
    sum.watching += watches.size
    users.accounts += directory.accounts.size
    users.names += directory.names.size
  }
  return { ...sum, ...users }
}

export const NOTHING = { deadlines: 0, topics: 0, listed: 0, feeds: 0, lists: 0, watching: 0, accounts: 0, names: 0 }

/** The link is gone, and the server has seen it. */
export async function lose(server: TestServer, user: RawUser, cut = () => user.client.terminate()): Promise<void> {
  const { sid } = user
  cut()
  await until(() => !server.io.sockets.sockets.has(sid), 'the server to see it')
}

/** Id of a user who is connected. */
export function idOf(server: TestServer, user: RawUser): string {
  return socketOf(server, user).user?.id as string
}
