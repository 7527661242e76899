import { MESSAGE_TYPES } from '@roomcast/protocol'
import type { Server, ServerOptions, Socket } from '@roomcast/server'
import type { Random } from '../../../test-kit/random'
import { RawClient, type RawFrame } from '../../../test-kit/raw-client'
import { RawSession } from '../../../test-kit/raw-room'
import type { RawLink } from '../../../test-kit/raw-user'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import type { Runtime } from '../src/api/runtime'
import type { Engine, Log, Soon, Store } from '../src/cluster/engine'
import { MemoryEngine } from '../src/cluster/memory/memory-engine'
import { MessageBudget } from '../src/cluster/message-budget'
import { TimingWheel } from '../src/connection/timing-wheel'

/** A server that keeps sessions. */
export function startResumable(
  setUp: (io: Server) => void = () => {},
  options: ServerOptions = {},
): Promise<TestServer> {
  return startServer(setUp, { connectionStateRecovery: true, ...options })
}

/** The parts that a server does not show. */
export function partsOf({ io }: TestServer): Runtime {
  return (io as unknown as { runtime: Runtime }).runtime
}

/** The socket of a client, as long as it is connected. @throws Error if it is not. */
export function socketOf({ io }: TestServer, { sid }: { readonly sid: string }, nsp = '/'): Socket {
  const socket = io.of(nsp).sockets.get(sid)
  if (socket === undefined) throw new Error(`no socket ${sid}`)
  return socket as Socket
}

/** Cuts the link of a client without a word, and waits until the server knows. */
export async function cut(
  { io }: TestServer,
  session: { readonly sid: string; readonly client: { terminate(): void } },
  nsp = '/',
): Promise<void> {
  session.client.terminate()
  await until(() => !io.of(nsp).sockets.has(session.sid), 'the server to lose the link')
}

/** Loses on its way what the server sends in `work`, and with it the link. */
export async function lose(
  server: TestServer,
  session: RawSession,
  work: () => Promise<void> | void,
  nsp = '/',
): Promise<void> {
  const { client } = session
  const { length } = client.frames
  client.pause()
  await work()
  await cut(server, session, nsp)
  // A paused link reads ahead, and hands that over when it ends.
  await until(() => client.closed, 'the end of the link')
  client.frames.length = length
}

/** Events of a connection in the order in which they came: `name(arguments)`. */
export function heard({ client, namespace }: RawSession<RawLink>): string[] {
  return client.frames
    .filter((frame) => frame.type === 'EVENT' && frame.namespace === namespace)
    .map(({ event, body }) => `${event}(${(body as unknown[]).join(',')})`)
}

/** Comes back when everything that the server sent before has come. */
export async function settled({ client }: RawSession): Promise<void> {
  const pongs = () => client.frames.filter(({ type }) => type === 'PONG').length
  const before = pongs()
  client.send({ type: MESSAGE_TYPES.PING }, null)
  await until(() => pongs() > before || client.closed !== null, 'PONG')
}

/** What is wrong with the account of a client: messages that came twice or are missing. */
export function faultsOf(session: RawSession<RawLink>): string[] {
  return [...session.streams.values()].flatMap(({ room, duplicates, gaps, missing, position }) => [
    ...(position === null ? [`stream ${room} was never announced`] : []),
    ...(duplicates > 0 ? [`${duplicates} messages of stream ${room} came twice`] : []),
    ...gaps.map(({ from, to }) => `gap ${from} to ${to} in stream ${room}`),
    ...missing.map(({ from, to }) => `${from} to ${to} of stream ${room} is missing`),
  ])
}

/** The answer to a CONNECT that may be refused. */
export async function askWith(
  port: number,
  body: Record<string, unknown>,
): Promise<{ client: RawClient; frame: RawFrame }> {
  const client = await RawClient.open(port)
  client.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/', ...body })
  const isAnswer = ({ type }: RawFrame) => type === 'CONNECTED' || type === 'CONNECT_ERROR'
  const frame = (await until(() => {
    if (client.closed) throw new Error(`closed with ${client.closed.code}`)
    return client.frames.find(isAnswer)
  }, 'an answer')) as RawFrame
  return { client, frame }
}

/** What a test engine is made of. */
export function memory(maxStoreBytes?: number): { engine: MemoryEngine; budget: MessageBudget; wheel: TimingWheel } {
  const wheel = new TimingWheel()
  const budget = new MessageBudget(64 * 1024 * 1024, wheel)
  const options = { budget, wheel, nodeId: 'here' }
  return {
    engine: new MemoryEngine(maxStoreBytes === undefined ? options : { ...options, maxStoreBytes }),
    budget,
    wheel,
  }
}

/**
 * An engine as one over a network is: its answers come later, those of the log as they were when it was asked or as they
 * are when they come. Commands of its store have their effects in the order in which they were given.
 */
export class LateEngine implements Engine {
  readonly name = 'late'
  readonly nodeId = 'here'
  readonly log: Log
  readonly store: Store
  readonly bus: Engine['bus']
  readonly directory: Engine['directory']
  private lastOfStore: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly inner: MemoryEngine,
    private readonly random: Random,
  ) {
    const { log, store, bus } = inner
    this.directory = inner.directory
    this.bus = {
      capabilities: bus.capabilities,
      subscribe: (channels) => this.later(() => bus.subscribe(channels)),
      unsubscribe: (channels) => bus.unsubscribe(channels),
      publish: (channel, frame) => bus.publish(channel, frame),
      sendNode: (nodeId, frame) => bus.sendNode(nodeId, frame),
    }
    this.log = {
      capabilities: log.capabilities,
      append: (...args) => log.append(...args),
      read: (...args) => this.later(() => log.read(...args)),
      readLast: (...args) => this.later(() => log.readLast(...args)),
      retained: (channel) => this.later(() => log.retained(channel)),
      retain: (channel, key, frame) => {
        const copy = frame.slice()
        return this.later(() => log.retain(channel, key, copy))
      },
      retainedUnder: (...args) => this.later(() => log.retainedUnder(...args)),
      release: (...args) => log.release(...args),
    }
    this.store = {
      // As of an engine with several nodes: keys of live sessions are in it too.
      capabilities: { isShared: true },
      put: (key, value, ttlMs) => this.inTurn(() => store.put(key, new Uint8Array(value), ttlMs)),
      get: (key) => this.inTurn(() => store.get(key)),
      take: (key) => this.inTurn(() => store.take(key)),
      consume: (...args) => this.inTurn(() => store.consume(...args)),
    }
  }

  start(events: Parameters<Engine['start']>[0]): void {
    this.inner.start(events)
  }

  close(): void {
    this.inner.close()
  }

  private async later<Value>(work: () => Value): Promise<Value> {
    const isAtOnce = this.random.chance(0.5)
    const value = isAtOnce ? work() : null
    await this.pass()
    return isAtOnce ? (value as Value) : work()
  }

  private inTurn<Value>(work: () => Value): Soon<Value> {
    const done = this.lastOfStore.then(() => this.pass()).then(work)
    this.lastOfStore = done.catch(() => {})
    return done
  }

  private async pass(): Promise<void> {
    const kind = this.random.below(3)
    if (kind === 0) await null
    else if (kind === 1) await new Promise((resolve) => setImmediate(resolve))
    else await new Promise((resolve) => setTimeout(resolve, this.random.below(4)))
  }
}

/** Connects, and waits until what the server does for it at first is done. */
export async function connect(server: TestServer, options: Parameters<typeof RawSession.connect>[1] = {}) {
  const session = await RawSession.connect(server.port, options)
  await settled(session)
  return session
}
