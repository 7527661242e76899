import { type AddressInfo, createServer } from 'node:net'
import { type ClientOptions, io, Manager, type Socket } from '@roomcast/client'
import { isRoomcastError, type RoomcastError } from '@roomcast/protocol'
import { Server } from '@roomcast/server'
import type { FakeLink } from '../../../test-kit/fake-server'
import type { RawFrame } from '../../../test-kit/raw-client'

/** Reconnects without making the test wait. */
export const QUICK: ClientOptions = {
  reconnectionDelay: 10,
  reconnectionDelayMax: 20,
  // Three cuts in a row would make polling come first. It has its tests elsewhere.
  transports: ['websocket'],
}

/** A socket that closes itself at the end of the scope. */
export type TestSocket = Disposable & Socket

/** Connects on a connection of its own, with short delays. */
export function connect(url: string, options: ClientOptions = {}): TestSocket {
  return disposable(io(url, { forceNew: true, ...QUICK, ...options }))
}

/** A manager with short delays and its socket of the main namespace. */
export function connectManager(url: string, options: ClientOptions = {}): { manager: Manager; socket: TestSocket } {
  const manager = new Manager(url, { ...QUICK, ...options })
  return { manager, socket: disposable(manager.socket('/')) }
}

/** Lets a socket close itself at the end of the scope. */
export function disposable(socket: Socket): TestSocket {
  return Object.assign(socket, { [Symbol.dispose]: () => void socket.disconnect() })
}

/**
 * A port of the loopback where nobody listens. For servers that are to be started again on their port: where the
 * system has chosen it for port 0, the engine does not let it be taken again for a minute.
 */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Starts a server on a port of the loopback where another one may have been; `setUp` registers handlers. */
export async function startServerOn(
  port: number,
  setUp: (io: Server) => void = () => {},
): Promise<AsyncDisposable & Server> {
  const server = new Server()
  setUp(server)
  await server.listen({ port, host: '127.0.0.1' })
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.close() })
}

/** The error that `run` throws, or that its promise rejects with; fails unless it is a RoomcastError. */
export async function errorOf(run: () => unknown): Promise<RoomcastError> {
  let result: unknown
  try {
    result = await run()
  } catch (error) {
    if (isRoomcastError(error)) return error
    throw new Error(`threw something else: ${error}`, { cause: error })
  }
  throw new Error(`did not throw, returned a ${typeof result}`)
}

/** What user code must never become: uncaught exceptions and unhandled rejections of this process, while in scope. */
export function watchProcess(): Disposable & { readonly events: unknown[] } {
  const events: unknown[] = []
  const note = (error: unknown) => events.push(error)
  process.on('uncaughtException', note)
  process.on('unhandledRejection', note)
  return {
    events,
    [Symbol.dispose]() {
      process.off('uncaughtException', note)
      process.off('unhandledRejection', note)
    },
  }
}

/** Lets promises reject and their rejections be reported: two turns of the loop. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** First arguments of the events that a link of a fake server has brought, in order. */
export function sentOn(link: FakeLink, event = 'm'): unknown[] {
  const events = link.frames.filter((frame) => isEvent(frame) && frame.event === event)
  return events.map(({ body }) => (body as unknown[])[0])
}

/** Events that are to take effect once are sent as calls. */
function isEvent({ type }: RawFrame): boolean {
  return type === 'EVENT' || type === 'CALL'
}

/** Answers the events with these first arguments with "ok". */
export function answerOn(link: FakeLink, ...values: unknown[]): void {
  for (const frame of link.frames) {
    if (isEvent(frame) && values.includes((frame.body as unknown[])[0])) link.ack(frame, 'ok')
  }
}

/** Timers that keep this process alive. */
export function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
}
