import {
  callListener,
  type DefaultUser,
  type EventsMap,
  isNamespaceName,
  type PublicUser,
  RoomcastError,
} from '@roomcast/protocol'
import { type AnyNamespace, Namespace } from './namespace'
import { type NamespaceMatcher, ParentNamespace } from './parent-namespace'
import type { Runtime } from './runtime'

/** The namespaces of a server: those that exist, and the patterns that may create more. */
export class NamespaceRegistry<
  Listen extends EventsMap,
  Emit extends EventsMap,
  ServerSide extends EventsMap,
  Data,
  User extends PublicUser = DefaultUser,
> {
  /** The namespace "/". */
  readonly main: Namespace<Listen, Emit, ServerSide, Data, User>
  private readonly byName = new Map<string, Namespace<Listen, Emit, ServerSide, Data, User>>()
  private readonly parents: ParentNamespace<Listen, Emit, ServerSide, Data, User>[] = []
  private nextNumber = 0

  constructor(
    private readonly runtime: Runtime,
    private readonly cleanupEmptyChildren: boolean,
  ) {
    this.main = this.create('/')
  }

  /** All namespaces that exist. */
  all(): Namespace<Listen, Emit, ServerSide, Data, User>[] {
    return [...this.byName.values()]
  }

  /** The namespace of a name, created if need be. @throws RoomcastError `INVALID_NAMESPACE`. */
  of(name: string): Namespace<Listen, Emit, ServerSide, Data, User> {
    const full = name.startsWith('/') ? name : `/${name}`
    if (!isNamespaceName(full)) throw new RoomcastError('INVALID_NAMESPACE', 'namespace name is too long or malformed')
    const existing = this.byName.get(full)
    if (existing !== undefined) return existing
    // As in Socket.IO: what a RegExp matches is guarded by its middleware, whoever asks for it first.
    const parent = this.parents.find(({ pattern }) => pattern?.test(full))
    return this.announce(this.create(full, parent))
  }

  /** A pattern of namespaces. */
  pattern(matcher: NamespaceMatcher | RegExp): ParentNamespace<Listen, Emit, ServerSide, Data, User> {
    // A copy, because the flags g and y make a RegExp remember where it was.
    const pattern = matcher instanceof RegExp ? new RegExp(matcher.source, matcher.flags.replace(/[gy]/g, '')) : null
    const decide: NamespaceMatcher = (name, auth, next) =>
      pattern === null ? (matcher as NamespaceMatcher)(name, auth, next) : next(null, pattern.test(name))
    const parent = new ParentNamespace<Listen, Emit, ServerSide, Data, User>(decide, pattern, this.runtime)
    this.parents.push(parent)
    return parent
  }

  /** The namespace a client asks for: one that exists, or one that the first matching pattern creates. */
  async resolve(name: string, auth: unknown): Promise<Namespace<Listen, Emit, ServerSide, Data, User> | null> {
    for (const parent of this.parents) {
      const isAllowed = await new Promise<boolean>((resolve, reject) => {
        const next = (error?: Error | null, allow?: boolean) => resolve(!error && Boolean(allow))
        callListener(parent.matcher, undefined, [name, auth, next], reject)
      })
      if (!isAllowed) continue
      // Another client may have created it while the matcher was thinking.
      const existing = this.byName.get(name)
      if (existing !== undefined) return existing
      return this.announce(this.create(name, parent))
    }
    return null
  }

  /** The namespace of a name, if it exists. */
  get(name: string): Namespace<Listen, Emit, ServerSide, Data, User> | undefined {
    return this.byName.get(name)
  }

  private announce(
    namespace: Namespace<Listen, Emit, ServerSide, Data, User>,
  ): Namespace<Listen, Emit, ServerSide, Data, User> {
    this.main.fire('new_namespace', namespace)
    return namespace
  }

  private create(
    name: string,
    parent?: ParentNamespace<Listen, Emit, ServerSide, Data, User>,
  ): Namespace<Listen, Emit, ServerSide, Data, User> {
    const onEmpty = (namespace: AnyNamespace) => {
      if (parent === undefined || !this.cleanupEmptyChildren) return
      this.byName.delete(name)
      parent.children.delete(namespace)
      namespace.inside.releaseValues()
    }
    const namespace = new Namespace<Listen, Emit, ServerSide, Data, User>(
      name,
      this.nextNumber++,
      this.runtime,
      onEmpty,
    )
    this.byName.set(name, namespace)
    parent?.adopt(namespace)
    return namespace
  }
}
