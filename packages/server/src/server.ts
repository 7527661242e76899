import {
  type AckResult,
  type BroadcastArgs,
  createCompactCodec,
  type DataArgs,
  type DefaultEventsMap,
  type EventArgs,
  type EventNames,
  type EventsMap,
  type ListenableNames,
  type ListenerFor,
  RoomcastError,
} from '@roomcast/protocol'
import type { Namespace, NamespaceMiddleware, NamespaceReservedEvents } from './api/namespace'
import { NamespaceRegistry } from './api/namespace-registry'
import type { NamespaceMatcher, ParentNamespace } from './api/parent-namespace'
import type { RemoteSocket, RoomEmitter } from './api/room-emitter'
import type { Runtime } from './api/runtime'
import { CloseMemory } from './connection/close-memory'
import { TimingWheel } from './connection/timing-wheel'
import { TurnQueue } from './egress/turn-queue'
import { Receiver } from './ingress/receive'
import { guardedHook, printFault } from './observe/report'
import { assertRetryAfter, type CloseOptions } from './options/close-options'
import { type ResolvedServerOptions, resolveServerOptions, type ServerOptions } from './options/server-options'
import { Connections } from './transport/connections'
import { EngineEvents } from './transport/engine-events'
import type { EngineApp } from './transport/engine-types'
import { type HttpHandler, HttpTransport } from './transport/http'
import { createApp, type Listener, type ListenOptions, openPort } from './transport/listener'
import { loadEngine } from './transport/load-engine'
import { PollSessions } from './transport/poll-sessions'
import { PollingTransport } from './transport/polling'
import { Reception } from './transport/reception'
import { Switching } from './transport/switching'
import { TopicTable } from './transport/topic-table'
import { shouldCompress } from './transport/uws-wire'
import { WebSocketTransport } from './transport/websocket'

type ServerEvents<
  Listen extends EventsMap,
  Emit extends EventsMap,
  ServerSide extends EventsMap,
  Data,
> = NamespaceReservedEvents<Listen, Emit, ServerSide, Data>

/**
 * A Roomcast server: the parts connected, and Socket.IO's calls on the main namespace.
 *
 *   new ──listen()──► listening ──close()──► closed
 *
 * @typeParam Listen      Events that clients send.
 * @typeParam Emit        Events that clients are sent.
 * @typeParam ServerSide  Events between servers.
 * @typeParam Data        `socket.data`.
 */
export class Server<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = Listen,
  ServerSide extends EventsMap = DefaultEventsMap,
  // biome-ignore lint/suspicious/noExplicitAny: as in Socket.IO, `data` of untyped servers takes anything
  Data = any,
> {
  /** Counts of connections, and refused requests. */
  readonly engine: EngineEvents
  private readonly options: ResolvedServerOptions
  private readonly runtime: Runtime
  private readonly namespaces: NamespaceRegistry<Listen, Emit, ServerSide, Data>
  private readonly connections: Connections
  private readonly topics = new TopicTable()
  private readonly pollSessions: PollSessions
  private readonly webSocket: WebSocketTransport
  private readonly httpTransport: HttpTransport
  private phase: 'closed' | 'listening' | 'new' = 'new'
  private app: EngineApp | null = null
  private listener: Listener | null = null
  private host = 'localhost'

  /** @throws RoomcastError `OPTION_NOT_SUPPORTED`, `INVALID_OPTION`. */
  constructor(options: ServerOptions = {}) {
    assertOptionsOnly(options)
    const resolved = resolveServerOptions(options)
    const { ackTimeout, connectTimeout, maxHttpBufferSize, onError, codec, pingInterval, pingTimeout } = resolved
    this.options = resolved
    this.runtime = {
      codec: codec ?? createCompactCodec(),
      turn: new TurnQueue({ publish: () => {} }),
      wheel: new TimingWheel(),
      reportFault: onError ? guardedHook(onError) : printFault,
      closeMemory: new CloseMemory(),
      ackTimeoutMs: ackTimeout,
      announced: { frameBytes: maxHttpBufferSize, pingIntervalMs: pingInterval, pingTimeoutMs: pingTimeout },
    }
    const { runtime, topics } = this
    this.namespaces = new NamespaceRegistry(runtime, resolved.cleanupEmptyChildNamespaces)
    const receiver = new Receiver(this.namespaces, runtime)
    const connections = new Connections(runtime, connectTimeout)
    this.connections = connections
    this.engine = new EngineEvents(() => connections.size, runtime.reportFault)
    const reception = new Reception(resolved, runtime, connections, (refusal, request) =>
      this.engine.fire('connection_error', { ...refusal, request }),
    )
    this.pollSessions = new PollSessions({ options: resolved, runtime, receiver, topics, connections })
    const switching = new Switching(resolved.allowUpgrades, runtime, connections, this.pollSessions)
    this.webSocket = new WebSocketTransport(resolved, runtime, receiver, connections, reception, switching)
    const polling = new PollingTransport(resolved, runtime, reception, this.pollSessions)
    this.httpTransport = new HttpTransport(resolved, runtime, polling, new URL('../dist/client/', import.meta.url))
  }

  /** The main namespace, "/". */
  get sockets(): Namespace<Listen, Emit, ServerSide, Data> {
    return this.namespaces.main
  }

  private get isClosed(): boolean {
    return this.phase === 'closed'
  }

  /** The port it listens on; 0 before and after. */
  get port(): number {
    return this.listener?.port ?? 0
  }

  /** Where a client on this machine finds the server; '' before and after it listens. */
  get url(): string {
    if (this.listener === null) return ''
    return `${this.options.tls ? 'https' : 'http'}://${this.host}:${this.port}`
  }

  /**
   * Loads the engine and starts to listen.
   *
   * @param where  A port, or port and host; port 0 lets the system pick one.
   * @returns this server.
   * @throws RoomcastError `ENGINE_NOT_FOUND`, `LISTEN_FAILED`, `ALREADY_LISTENING`, `INVALID_OPTION`.
   */
  async listen(where: ListenOptions | number = 0): Promise<this> {
    if (this.phase !== 'new') throw new RoomcastError('ALREADY_LISTENING', 'the server listens already, or is closed')
    this.phase = 'listening'
    try {
      const { runtime, options } = this
      const engine = await loadEngine(options.uws)
      const app = createApp(engine, options.tls)
      // The WebSocket route comes first: the engine crashes on a publish without one.
      this.webSocket.register(app, engine)
      this.httpTransport.register(app)
      runtime.turn.publisher = {
        publish: (topic, frame, compress) => {
          app.publish(topic, frame, true, shouldCompress(options.compression, frame, compress))
          if (this.topics.size > 0) this.topics.publish(topic, frame)
        },
      }
      const target = typeof where === 'number' ? { port: where } : where
      const listener = await openPort(engine, app, target)
      if (this.isClosed) {
        // close() was called while the engine was loading.
        app.close()
        return this
      }
      this.listener = listener
      this.app = app
      this.host = urlHost(target.host)
      return this
    } catch (error) {
      if (!this.isClosed) this.phase = 'new'
      throw error
    }
  }

  /**
   * Takes no more connections, tells every client that the server shuts down (close code 1012), and ends; clients that
   * poll hear it with their next request, for which it waits up to a second.
   * Calling it again does nothing.
   *
   * @throws RoomcastError `INVALID_OPTION`; then nothing has happened.
   */
  async close({ retryAfterMs }: CloseOptions = {}): Promise<void> {
    assertRetryAfter(retryAfterMs)
    if (this.phase === 'closed') return
    this.phase = 'closed'
    this.listener?.stop()
    this.listener = null
    this.connections.closeAll(retryAfterMs)
    // A turn of the loop, so that the close frames leave before the engine cuts what is left.
    await new Promise((resolve) => setImmediate(resolve))
    await this.pollSessions.drained(POLL_GOODBYE_MS)
    this.app?.close()
    this.app = null
    this.pollSessions.dispose()
  }

  /**
   * Adds a handler for HTTP requests on the same port, for every path that is not Roomcast's. Handlers are
   * asked in order, until one answers.
   */
  http(handler: HttpHandler): this {
    this.httpTransport.add(handler)
    return this
  }

  /**
   * A namespace: by name, or every namespace whose name a pattern matches or a function allows.
   *
   * @throws RoomcastError `INVALID_NAMESPACE`.
   */
  of(name: string): Namespace<Listen, Emit, ServerSide, Data>
  of(pattern: NamespaceMatcher | RegExp): ParentNamespace<Listen, Emit, ServerSide, Data>
  of(
    name: NamespaceMatcher | RegExp | string,
  ): Namespace<Listen, Emit, ServerSide, Data> | ParentNamespace<Listen, Emit, ServerSide, Data> {
    return typeof name === 'string' ? this.namespaces.of(name) : this.namespaces.pattern(name)
  }

  /** As `Namespace.on`, on the main namespace. */
  on<Event extends ListenableNames<ServerSide, ServerEvents<Listen, Emit, ServerSide, Data>>>(
    event: Event,
    listener: ListenerFor<ServerSide, ServerEvents<Listen, Emit, ServerSide, Data>, Event>,
  ): this {
    this.sockets.on(event, listener)
    return this
  }

  /** As `Namespace.once`, on the main namespace. */
  once<Event extends ListenableNames<ServerSide, ServerEvents<Listen, Emit, ServerSide, Data>>>(
    event: Event,
    listener: ListenerFor<ServerSide, ServerEvents<Listen, Emit, ServerSide, Data>, Event>,
  ): this {
    this.sockets.once(event, listener)
    return this
  }

  /** As `Namespace.off`, on the main namespace. */
  off<Event extends ListenableNames<ServerSide, ServerEvents<Listen, Emit, ServerSide, Data>>>(
    event?: Event,
    listener?: ListenerFor<ServerSide, ServerEvents<Listen, Emit, ServerSide, Data>, Event>,
  ): this {
    this.sockets.off(event, listener)
    return this
  }

  /** As `Namespace.use`, on the main namespace. */
  use(middleware: NamespaceMiddleware<Listen, Emit, ServerSide, Data>): this {
    this.sockets.use(middleware)
    return this
  }

  /** As `Namespace.emit`, on the main namespace. */
  emit<Event extends EventNames<Emit>>(event: Event, ...args: BroadcastArgs<Emit, Event>): true {
    return this.sockets.emit(event, ...args)
  }

  /** As `Namespace.emitWithAck`, on the main namespace. */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: DataArgs<Emit, Event>
  ): Promise<AckResult<Emit, Event>[]> {
    return this.sockets.emitWithAck(event, ...args)
  }

  /** As `Namespace.send`, on the main namespace. */
  send(...args: EventArgs<Emit, 'message'>): this {
    this.sockets.send(...args)
    return this
  }

  /** The same as {@link send}. */
  write(...args: EventArgs<Emit, 'message'>): this {
    return this.send(...args)
  }

  /** As `Namespace.to`, on the main namespace. */
  to(room: string | readonly string[]): RoomEmitter<Emit, Data> {
    return this.sockets.to(room)
  }

  /** The same as {@link to}. */
  in(room: string | readonly string[]): RoomEmitter<Emit, Data> {
    return this.sockets.to(room)
  }

  /** As `Namespace.except`, on the main namespace. */
  except(room: string | readonly string[]): RoomEmitter<Emit, Data> {
    return this.sockets.except(room)
  }

  /** As `Namespace.volatile`, on the main namespace. */
  get volatile(): RoomEmitter<Emit, Data> {
    return this.sockets.volatile
  }

  /** As `Namespace.local`, on the main namespace. */
  get local(): RoomEmitter<Emit, Data> {
    return this.sockets.local
  }

  /** As `Namespace.compress`, on the main namespace. */
  compress(compress: boolean): RoomEmitter<Emit, Data> {
    return this.sockets.compress(compress)
  }

  /** As `Namespace.timeout`, on the main namespace. */
  timeout(ms: number): RoomEmitter<Emit, Data> {
    return this.sockets.timeout(ms)
  }

  /** As `Namespace.fetchSockets`, on the main namespace. */
  fetchSockets(): Promise<RemoteSocket<Emit, Data>[]> {
    return this.sockets.fetchSockets()
  }

  /** As `Namespace.socketsJoin`, on the main namespace. */
  socketsJoin(room: string | readonly string[]): void {
    this.sockets.socketsJoin(room)
  }

  /** As `Namespace.socketsLeave`, on the main namespace. */
  socketsLeave(room: string | readonly string[]): void {
    this.sockets.socketsLeave(room)
  }

  /** As `Namespace.disconnectSockets`, on the main namespace. */
  disconnectSockets(close = false): void {
    this.sockets.disconnectSockets(close)
  }
}

/** How long {@link Server.close} waits for polling clients to ask and be told. */
const POLL_GOODBYE_MS = 1_000

/** People who come from Socket.IO pass a port or an HTTP server. */
function assertOptionsOnly(options: unknown): void {
  const isOptions = typeof options === 'object' && options !== null && !('listen' in options)
  if (isOptions) return
  throw new RoomcastError(
    'OPTION_NOT_SUPPORTED',
    'new Server() takes options only: Roomcast has its own HTTP server. Call io.listen(port), and give your routes to io.http()',
  )
}

function urlHost(host: string | undefined): string {
  if (host === undefined || host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}
