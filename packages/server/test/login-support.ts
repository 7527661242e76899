import { RoomcastError } from '@roomcast/protocol'
import type { Login, LoginContext, ServerOptions, Socket } from '@roomcast/server'
import { expect } from 'vitest'
import { RawClient } from '../../../test-kit/raw-client'
import { askFor } from '../../../test-kit/raw-user'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'

/** Anybody who says who they are; `wrong` is refused. */
export const byId: Login = ({ id, wrong, ...profile }) => {
  if (wrong) throw new RoomcastError('LOGIN_REFUSED', 'wrong password', { data: { left: 2 } })
  return { id, ...profile }
}

/** The answer to CONNECT on a connection of its own. */
export async function ask(
  port: number,
  auth?: unknown,
  nsp = '/',
): Promise<{ type: string; body: Record<string, unknown> }> {
  using client = await RawClient.open(port)
  const { type, body } = await askFor(client, nsp, { auth })
  return { type, body }
}

/** The only socket of a namespace. */
export function onlySocket(server: TestServer, nsp = '/'): Socket {
  const sockets = [...server.io.of(nsp).sockets.values()] as Socket[]
  expect(sockets).toHaveLength(1)
  return sockets[0] as Socket
}

export async function idsOf(server: TestServer, room?: string): Promise<string[]> {
  return (await server.io.users(room).list()).map(({ user }) => user.id)
}

/** A login that is answered by the test, call by call. */
export function heldLogin() {
  const calls: {
    credentials: Record<string, unknown>
    context: LoginContext
    resolve: (user: unknown) => void
    reject: (error: unknown) => void
  }[] = []
  const login = ((credentials, context) =>
    new Promise<never>((resolve, reject) => {
      calls.push({ credentials, context, resolve: resolve as (user: unknown) => void, reject })
    })) as Login
  /** The call with this number, from 0, when it has come. */
  const call = async (index: number) => (await until(() => calls[index], `login ${index}`)) as (typeof calls)[number]
  return { login, calls, call }
}

/** A server whose handler notes who says what, and calls of a client that is anonymous at first. */
export async function noting(options: ServerOptions) {
  const said: string[] = []
  const server = await startServer(
    (io) => {
      io.on('connection', (socket) => {
        socket.on('say', (text) => void said.push(`${socket.user?.id ?? 'nobody'}: ${text}`))
        socket.on('who', () => socket.user?.id ?? 'nobody')
      })
    },
    { allowAnonymous: true, ...options },
  )
  return { server, said }
}

export function fail(error: unknown): never {
  throw error
}
