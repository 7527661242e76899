import type { Login, Server, ServerOptions, Socket } from '@roomcast/server'
import { type RawLink, RawUser } from '../../../test-kit/raw-user'
import { startServer, type TestServer } from '../../../test-kit/server'

/** Anybody who says who they are. */
export const byId: Login = ({ id, ...profile }) => ({ id, ...profile })

/** Longer than any test. */
export const NEVER_MS = 600_000

/** Everybody may watch everything, and is told at once. */
export const OPEN = { watch: () => true, flushMs: 0, graceMs: NEVER_MS } as const

export function startPeople(options: ServerOptions = {}, setUp: (io: Server) => void = () => {}): Promise<TestServer> {
  return startServer(
    (io) => {
      io.on('connection', (socket) => {
        socket.on('join', (room: string) => {
          socket.join(room)
          return true
        })
        socket.on('leave', (room: string) => {
          socket.leave(room)
          return true
        })
      })
      setUp(io)
    },
    { login: byId, allowAnonymous: true, presence: OPEN, ...options },
  )
}

/** A user who has joined rooms. */
export async function member(server: TestServer, id: string, ...rooms: string[]): Promise<RawUser> {
  const user = await RawUser.connect(server.port, { id })
  for (const room of rooms) await user.call('join', room)
  return user
}

export function socketOf(server: TestServer, user: RawUser): Socket {
  return server.io.sockets.sockets.get(user.sid) as Socket
}

/** Body of the answer to a request, refusals included. */
export async function answerTo(user: RawUser<RawLink>, name: string, ...args: unknown[]): Promise<unknown> {
  const { type, body } = await user.answer(user.send(name, ...args))
  return type === 'ACK' ? body : { ...(body as object) }
}

export const codeOf = async (answer: Promise<unknown>) => ((await answer) as { code?: string }).code

/** How many lists the sockets of a server watch. */
export function watches(server: TestServer): number {
  const { people } = server.io.sockets as unknown as {
    people: { known: { watches: { bySocket: Map<unknown, Set<unknown>> } } }
  }
  return [...people.known.watches.bySocket.values()].reduce((sum, feeds) => sum + feeds.size, 0)
}

/** Something that is decided later. */
export function decision<Value>() {
  let decide: (value: Value) => void = () => {}
  let fail: (error: unknown) => void = () => {}
  const promise = new Promise<Value>((resolve, reject) => {
    decide = resolve
    fail = reject
  })
  return { promise, decide, fail }
}
