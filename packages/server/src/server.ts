import {
  CLOSE_CODES,
  CLOSE_MEANINGS,
  createCompactCodec,
  type DefaultEventsMap,
  type DefaultUser,
  type EventsMap,
  LIMITS,
  type PublicUser,
  RoomcastError,
} from '@roomcast/protocol'
import { MainNamespaceCalls } from './api/main-namespace-calls'
import type { Namespace } from './api/namespace'
import { NamespaceRegistry } from './api/namespace-registry'
import type { NamespaceMatcher, ParentNamespace } from './api/parent-namespace'
import type { Runtime } from './api/runtime'
import type { Engine, EngineEvents as NodeEvents } from './cluster/engine'
import { MemoryEngine } from './cluster/memory/memory-engine'
import { MessageBudget } from './cluster/message-budget'
import { CloseMemory } from './connection/close-memory'
import { TimingWheel } from './connection/timing-wheel'
import { CallResults } from './delivery/call-results'
import { EmitOrder } from './delivery/order'
import { Sessions } from './delivery/sessions'
import { attempt } from './delivery/soon'
import { Streams } from './delivery/streams'
import { FlowControl } from './egress/flow-control'
import { TurnQueue } from './egress/turn-queue'
import { Receiver } from './ingress/receive'
import { guardedHook, printFault } from './observe/report'
import { assertRetryAfter, type CloseOptions } from './options/close-options'
import { flowLimits } from './options/flow-limits'
import { type ResolvedServerOptions, resolveServerOptions, type ServerOptions } from './options/server-options'
import { assertUserId } from './people/identity'
import { LoginGate } from './people/login-gate'
import { LoginGuard } from './people/login-guard'
import { Connections } from './transport/connections'
import { Door } from './transport/door'
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

/**
 * A Roomcast server: the parts connected, and Socket.IO's calls on the main namespace.
 *
 *   new ──listen()──► listening ──close()──► closed
 *
 * @typeParam Listen      Events that clients send.
 * @typeParam Emit        Events that clients are sent.
 * @typeParam ServerSide  Events between servers.
 * @typeParam Data        `socket.data`.
 * @typeParam User        `socket.user`: what the login returns.
 */
export class Server<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = Listen,
  ServerSide extends EventsMap = DefaultEventsMap,
  // biome-ignore lint/suspicious/noExplicitAny: as in Socket.IO, `data` of untyped servers takes anything
  Data = any,
  User extends PublicUser = DefaultUser,
> extends MainNamespaceCalls<Listen, Emit, ServerSide, Data, User> {
  /** Counts of connections, and refused requests. */
  readonly engine: EngineEvents
  private readonly options: ResolvedServerOptions
  private readonly runtime: Runtime
  private readonly namespaces: NamespaceRegistry<Listen, Emit, ServerSide, Data, User>
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
  // Not inferred from the login: what that returns is more than the user.
  constructor(options: ServerOptions<NoInfer<User>> = {}) {
    super()
    assertOptionsOnly(options)
    const resolved = resolveServerOptions(options)
    const { ackTimeout, connectTimeout, maxHttpBufferSize, onError, codec, pingInterval, pingTimeout } = resolved
    this.options = resolved
    const wheel = new TimingWheel()
    const reportFault = onError ? guardedHook(onError) : printFault
    const { people, recovery } = resolved
    const budget = new MessageBudget(resolved.maxHistoryBytes, wheel)
    // The cast: an option that tests have.
    const engine = (resolved.engine as Engine | undefined) ?? new MemoryEngine({ budget, wheel })
    const streams = new Streams(engine, wheel, recovery?.windowMs ?? 0)
    const sessions = recovery && new Sessions({ store: engine.store, budget, wheel, recovery, reportFault })
    const turn = new TurnQueue({ publish: () => {} })
    const limits = flowLimits(resolved.maxOutgoingBytes)
    this.runtime = {
      codec: codec ?? createCompactCodec(),
      turn,
      flow: new FlowControl(turn, wheel, limits),
      flowLimits: limits,
      wheel,
      reportFault,
      closeMemory: new CloseMemory(),
      callResults: new CallResults(engine.store, wheel, reportFault),
      heldBudget: { bytesLeft: LIMITS.heldBytesOfAll },
      handlers: resolved.inbound.handlers,
      rateLimits: resolved.inbound.rateLimits,
      people,
      loginGate: new LoginGate(people.loginLimits, people.loginTimeoutMs, wheel),
      loginGuard: new LoginGuard(people.loginLimits, reportFault),
      ackTimeoutMs: ackTimeout,
      engine,
      streams,
      sessions,
      recovery,
      order: new EmitOrder(),
      doubtMs: pingInterval + pingTimeout + DETECTION_SLACK_MS,
      resendBytes: Math.floor(resolved.maxOutgoingBytes / 2),
      isSecure: options.tls !== undefined,
      announced: { frameBytes: maxHttpBufferSize, pingIntervalMs: pingInterval, pingTimeoutMs: pingTimeout },
    }
    const { runtime, topics } = this
    startEngine(runtime)
    this.namespaces = new NamespaceRegistry(runtime, resolved.cleanupEmptyChildNamespaces)
    const receiver = new Receiver(this.namespaces, runtime)
    const door = new Door(resolved.inbound.door, () => ({
      connections: connections.size,
      sessions: this.pollSessions.size,
    }))
    const connections: Connections = new Connections(runtime, connectTimeout, door)
    this.connections = connections
    this.engine = new EngineEvents(() => connections.size, runtime.reportFault)
    const reception = new Reception(resolved, runtime, connections, door, (refusal, request) =>
      this.engine.fire('connection_error', { ...refusal, request }),
    )
    this.pollSessions = new PollSessions({ options: resolved, runtime, receiver, topics, connections })
    const switching = new Switching(resolved.allowUpgrades, runtime, connections, this.pollSessions)
    this.webSocket = new WebSocketTransport(resolved, runtime, receiver, connections, reception, switching, topics)
    const polling = new PollingTransport(resolved, runtime, reception, this.pollSessions)
    this.httpTransport = new HttpTransport(resolved, runtime, polling, new URL('../dist/client/', import.meta.url))
  }

  /** The main namespace, "/". */
  override get sockets(): Namespace<Listen, Emit, ServerSide, Data, User> {
    return this.namespaces.main
  }

  /**
   * Ends every connection of a user, in all namespaces, and every login of theirs that is under way: what a ban or a new
   * password needs. Their clients do not come back by themselves (close code 4014). Whether they may log in again is for
   * the login to say.
   *
   * @returns How many connections were closed.
   * @throws RoomcastError `INVALID_USER` for what can be no id.
   */
  async revoke({ userId }: { readonly userId: string }): Promise<number> {
    assertUserId(userId)
    const { turn } = this.runtime
    const details = { code: CLOSE_CODES.REVOKED, message: CLOSE_MEANINGS.REVOKED }
    const namespaces = this.namespaces.all()
    const sockets = namespaces.flatMap(({ people }) => [...people.membersOf(userId)])
    const connections = new Set(sockets.map(({ connection }) => connection))
    for (const connection of connections) {
      for (const socket of connection.members()) socket.endNamespace('forced server close', false, details)
      turn.flush()
      connection.end('REVOKED', 'forced server close')
    }
    for (const { people } of namespaces) people.known.revoke(userId)
    this.runtime.sessions?.endUser(userId)
    return connections.size
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
        publish: (topic, frame, compress, latest = null) => {
          app.publish(topic, frame, true, shouldCompress(options.compression, frame, compress))
          if (this.topics.size > 0) this.topics.publish(topic, frame, compress, latest)
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
    for (const { inside } of this.namespaces.all()) inside.flushAll()
    this.connections.closeAll(retryAfterMs)
    // A turn of the loop, so that the close frames leave before the engine cuts what is left.
    await new Promise((resolve) => setImmediate(resolve))
    await this.pollSessions.drained(POLL_GOODBYE_MS)
    this.app?.close()
    this.app = null
    this.pollSessions.dispose()
    this.runtime.sessions?.clear()
    for (const { people, inside } of this.namespaces.all()) {
      people.close()
      inside.releaseValues()
    }
    this.runtime.callResults.clear()
    this.runtime.streams.clear()
    await this.runtime.engine.close()
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
  of(name: string): Namespace<Listen, Emit, ServerSide, Data, User>
  of(pattern: NamespaceMatcher | RegExp): ParentNamespace<Listen, Emit, ServerSide, Data, User>
  of(
    name: NamespaceMatcher | RegExp | string,
  ): Namespace<Listen, Emit, ServerSide, Data, User> | ParentNamespace<Listen, Emit, ServerSide, Data, User> {
    return typeof name === 'string' ? this.namespaces.of(name) : this.namespaces.pattern(name)
  }
}

/** How long {@link Server.close} waits for polling clients to ask and be told. */
const POLL_GOODBYE_MS = 1_000

/** The engine of WebSockets finds a link that is lost by a timer of 4 s, at the earliest after two of its periods. */
const DETECTION_SLACK_MS = 10_000

function startEngine({ engine, streams, reportFault }: Runtime): void {
  const onFault = (error: unknown) => reportFault(error, { where: 'engine', name: engine.name })
  const events: NodeEvents = {
    onFrame: (channel, frame, position) => {
      if (position !== null) streams.onFrame(channel, frame, position.offset)
    },
    onNodeFrame: () => {},
    onGap: (_channels, why) => onFault(new Error(`frames may have been missed: ${why}`)),
    onState: (state) => {
      if (state !== 'up') onFault(new Error(`it is ${state}`))
    },
  }
  attempt(() => engine.start(events), onFault)
}

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
