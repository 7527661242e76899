import type { DefaultEventsMap, DefaultUser, EventsMap, PublicUser } from '@roomcast/protocol'
import { Manager, type Platform } from './manager/manager'
import { readServerUrl } from './manager/server-url'
import type { ClientOptions } from './options'
import type { Socket } from './socket/socket'

/** The entry point of the client. */
export interface Io {
  /**
   * Connects to a namespace of a server.
   *
   * @param url      `https://host/namespace`; in a page also `/namespace`, and without a URL the server of the page.
   * @returns The socket. Sockets of one server share a connection, unless `forceNew` or `multiplex: false` is set.
   * @throws RoomcastError `INVALID_OPTION`, `INVALID_NAMESPACE`, `OPTION_NOT_SUPPORTED`.
   */
  <Listen extends EventsMap = DefaultEventsMap, Emit extends EventsMap = Listen, User extends PublicUser = DefaultUser>(
    url: string,
    options?: ClientOptions,
  ): Socket<Listen, Emit, User>
  <Listen extends EventsMap = DefaultEventsMap, Emit extends EventsMap = Listen, User extends PublicUser = DefaultUser>(
    options?: ClientOptions,
  ): Socket<Listen, Emit, User>
}

/** Creates `io` for a platform. Connections are shared among the calls of one `io`. */
export function createIo(platform: Platform): Io {
  const managers = new Map<string, Manager>()
  return <Listen extends EventsMap, Emit extends EventsMap, User extends PublicUser>(
    urlOrOptions?: ClientOptions | string,
    given?: ClientOptions,
  ): Socket<Listen, Emit, User> => {
    const [url, options = {}] = typeof urlOrOptions === 'string' ? [urlOrOptions, given] : ['/', urlOrOptions]
    const { origin, nsp, query } = readServerUrl(url, pageAddress())
    const managerOptions: ClientOptions = { ...options, query: { ...query, ...options.query } }
    const key = `${origin.origin}${options.path ?? ''}`
    const cached = managers.get(key)
    // One that nobody uses any more would only keep new sockets from sharing.
    const shared = cached?.isSpent ? undefined : cached
    // A second socket of the same namespace is meant to be another client.
    const mayShare = !options.forceNew && options.multiplex !== false && !shared?.hasSocket(nsp)
    const manager = (mayShare && shared) || new Manager(origin, managerOptions, platform)
    if (mayShare) managers.set(key, manager)
    return manager.socket(nsp, options)
  }
}

function pageAddress(): string | undefined {
  const { location } = globalThis as { location?: { href: string } }
  return location?.href
}
