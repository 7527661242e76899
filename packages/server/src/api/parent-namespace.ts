import type { AnyListener } from '@roomcast/protocol'
import { Emitter, type EventsMap } from '@roomcast/protocol'
import type { AnyNamespace, Namespace, NamespaceMiddleware, NamespaceReservedEvents } from './namespace'
import type { Runtime } from './runtime'

/** Decides whether a namespace may be created: `next(null, true)` allows it. */
export type NamespaceMatcher = (
  name: string,
  auth: unknown,
  next: (error: Error | null, allow?: boolean) => void,
) => void

/**
 * A pattern of namespaces: the first client of a matching name creates the namespace. Middleware and
 * listeners of the parent hold for every child; an emit goes to all of them.
 */
export class ParentNamespace<
  Listen extends EventsMap,
  Emit extends EventsMap,
  ServerSide extends EventsMap,
  Data,
> extends Emitter<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data>> {
  /** @internal */
  readonly children = new Set<AnyNamespace>()
  private middleware: readonly NamespaceMiddleware<Listen, Emit, ServerSide, Data>[] = []

  /** @internal */
  constructor(
    /** @internal */
    readonly matcher: NamespaceMatcher,
    /** @internal What the names have to match, if that can be told without asking. */
    readonly pattern: RegExp | null,
    private readonly runtime: Runtime,
  ) {
    super()
  }

  /** Adds a middleware to every child created from now on. */
  use(middleware: NamespaceMiddleware<Listen, Emit, ServerSide, Data>): this {
    this.middleware = [...this.middleware, middleware]
    return this
  }

  /** Sends an event to every socket of every child. As `Namespace.emit`, without ack. */
  emit(event: Parameters<Namespace<Listen, Emit>['emit']>[0], ...args: unknown[]): true {
    for (const child of this.children) child.emit(event, ...args)
    return true
  }

  /** @internal Gives a new child what the parent has. */
  adopt(child: AnyNamespace): void {
    for (const middleware of this.middleware) child.use(middleware)
    for (const event of this.eventNames()) {
      for (const listener of this.listenersOf(event)) child.on(event, listener as AnyListener)
    }
    this.children.add(child)
  }

  /** @internal */
  override onListenerError(error: unknown, event: string): void {
    this.runtime.reportFault(error, { where: 'listener', name: event })
  }
}
