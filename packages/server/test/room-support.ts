import type { RoomcastError } from '@roomcast/protocol'
import type { RoomPolicy, Server, ServerOptions, Socket } from '@roomcast/server'
import { RawPoller } from '../../../test-kit/raw-poller'
import { RawSession, type RawSessionOptions } from '../../../test-kit/raw-room'
import type { RawStream } from '../../../test-kit/raw-stream'
import type { RawLink } from '../../../test-kit/raw-user'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import type { Runtime } from '../src/api/runtime'
import type { Engine, Log, Soon } from '../src/cluster/engine'
import { MemoryEngine } from '../src/cluster/memory/memory-engine'
import { MessageBudget } from '../src/cluster/message-budget'
import { TimingWheel } from '../src/connection/timing-wheel'

/** A client, whatever it has connected by. */
export type AnySession = RawSession<RawLink>

/** The transports that rooms are tested over. */
export const TRANSPORTS = ['websocket', 'polling'] as const

/** Connects a client over a transport. */
export async function connectOver(
  transport: (typeof TRANSPORTS)[number],
  port: number,
  options: RawSessionOptions = {},
): Promise<AnySession> {
  if (transport === 'websocket') return RawSession.connect(port, options)
  return RawSession.over((await RawPoller.open(port)).start() as RawPoller & RawLink, options)
}

/** The parts that a server shares. */
export function runtimeOf({ io }: Pick<TestServer, 'io'>): Runtime {
  return (io as unknown as { runtime: Runtime }).runtime
}

/** The server's side of a client. */
export function socketOf({ io }: Pick<TestServer, 'io'>, { sid }: Pick<AnySession, 'sid'>): Socket {
  const socket = io.sockets.sockets.get(sid)
  if (socket === undefined) throw new Error(`there is no socket ${sid}`)
  return socket
}

/** A server with these rooms, each with history that everybody may join. */
export function startRooms(setUp: (io: Server) => void = () => {}, options: ServerOptions = {}): Promise<TestServer> {
  return startServer((io) => {
    setUp(io)
    io.rooms('*', { history: true, authorize: () => true })
  }, options)
}

/** Puts a client into a room, from the server. @returns Its stream. */
export async function enter(server: TestServer, session: AnySession, room: string): Promise<RawStream> {
  const before = session.notices('joined').length
  socketOf(server, session).join(room)
  const [number] = (await until(() => session.notices('joined')[before], `joined, for ${room}`)) as [number]
  return session.stream(number)
}

/** Everything that was sent to the clients before has come, and is in their accounts. */
export async function drained(...sessions: readonly AnySession[]): Promise<void> {
  await Promise.all(
    sessions.map(async (session) => {
      await session.sync([])
      return session.streams
    }),
  )
}

/** Arguments of the events of a name that have come, in the order in which they came. */
export function eventsOf({ client, namespace }: AnySession, event: string): unknown[][] {
  return client.frames
    .filter((frame) => frame.type === 'EVENT' && frame.namespace === namespace && frame.event === event)
    .map(({ body }) => body as unknown[])
}

/** An engine in memory, whose memory a test can look at. */
export function makeEngine(maxBytes: number): { readonly engine: MemoryEngine; readonly budget: MessageBudget } {
  const wheel = new TimingWheel()
  const budget = new MessageBudget(maxBytes, wheel)
  return { engine: new MemoryEngine({ budget, wheel }), budget }
}

/** An engine that is not of this process: what it is asked for comes later, as soon as the test lets it. */
export class LaterEngine implements Engine {
  readonly name = 'later'
  readonly log: Log
  /** Answers that wait, with what was asked. */
  readonly waiting: { readonly what: string; go(): void }[] = []
  /** Which answers wait until they are let go; the others come in a turn of the loop. */
  holds: (what: string) => boolean = () => false
  private readonly inner = makeEngine(1_000_000).engine

  constructor() {
    const { log } = this.inner
    this.log = {
      capabilities: log.capabilities,
      append: (...args) => log.append(...args),
      read: (...args) => this.later('read', () => log.read(...args)),
      readLast: (...args) => this.later('readLast', () => log.readLast(...args)),
      retained: (...args) => this.later('retained', () => log.retained(...args)),
      retain: (channel, key, frame) => {
        const copy = frame.slice()
        return this.later('retain', () => log.retain(channel, key, copy))
      },
      retainedUnder: (...args) => this.later('retainedUnder', () => log.retainedUnder(...args)),
      release: (...args) => log.release(...args),
    }
  }

  get nodeId() {
    return this.inner.nodeId
  }

  get bus() {
    return this.inner.bus
  }

  get directory() {
    return this.inner.directory
  }

  get store() {
    return this.inner.store
  }

  start(...args: Parameters<MemoryEngine['start']>): void {
    this.inner.start(...args)
  }

  close(): void {
    this.inner.close()
  }

  /** Lets everything go on that waits. */
  release(): void {
    this.holds = () => false
    for (const { go } of this.waiting.splice(0)) go()
  }

  private later<Value>(what: string, action: () => Value): Soon<Value> {
    return new Promise((resolve) => {
      const go = () => resolve(action())
      if (this.holds(what)) this.waiting.push({ what, go })
      else setImmediate(go)
    })
  }
}

/** A server with these rules for its rooms, by pattern. */
export function startPolicies(policies: Record<string, RoomPolicy>, options: ServerOptions = {}): Promise<TestServer> {
  return startServer((io) => {
    for (const [pattern, policy] of Object.entries(policies)) io.rooms(pattern, policy)
  }, options)
}

/** A promise that a test settles. */
export function deferred<Value>(): { readonly promise: Promise<Value>; resolve(value: Value): void } {
  let resolve: (value: Value) => void = () => {}
  const promise = new Promise<Value>((done) => {
    resolve = done
  })
  return { promise, resolve: (value) => resolve(value) }
}

/** The code of a refusal; null if there was none. */
export function codeOf(run: Promise<unknown>): Promise<string | null> {
  return run.then(
    () => null,
    (error: RoomcastError) => error.code,
  )
}
