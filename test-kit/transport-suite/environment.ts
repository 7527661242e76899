import type { ClientOptions, Io, Socket } from '@roomcast/client'

/** The transports that the suite is run over. One that does not exist yet is taken out here. */
export const TRANSPORTS = ['websocket', 'polling'] as const

/** A transport of the suite. */
export type TransportName = (typeof TRANSPORTS)[number]

/** What an environment may lack. */
export type Capability = 'cut' | 'mixed transports' | 'restart'

/** `true`, or the reason why it is not there, for the title of what is skipped. */
export type Capabilities = Readonly<Record<Capability, string | true>>

/** What scenarios ask of the world around the client, beside the server's own events. */
export interface Control {
  /** Resets all open links, in the middle of whatever they are doing. */
  cut(): Promise<void>
  /** Shuts the server down, and starts another one at the same address. */
  restart(): Promise<void>
  /** Connections that the server has. */
  population(): Promise<number>
}

/** Where scenarios run: Node.js or a page, with one transport. */
export interface Environment {
  readonly io: Io
  /** Origin of the server. */
  readonly url: string
  /** For every socket; they say the transport, and make it reconnect quickly. */
  readonly options: ClientOptions
  readonly transport: TransportName
  readonly capabilities: Capabilities
  readonly control: Control
}

/** What an environment needs to be made, where `io` and `control` cannot be handed over. */
export type PortableEnvironment = Pick<Environment, 'capabilities' | 'transport' | 'url'>

/** A behaviour that every transport has, in Node.js and in pages. */
export interface Scenario {
  /** A sentence of behaviour. */
  readonly name: string
  readonly needs?: readonly Capability[]
  /** Throws when it is not as it should be. */
  run(scope: Scope): Promise<void>
}

/** Options that make a client use one transport, and come back quickly. */
export function optionsFor(transport: TransportName): ClientOptions {
  return { transports: [transport], upgrade: false, reconnectionDelay: 10, reconnectionDelayMax: 20 }
}

/** The sockets of one scenario. All are closed at its end. */
export class Scope {
  private readonly sockets: Socket[] = []

  constructor(readonly environment: Environment) {}

  /** Makes a socket on a connection of its own. @param nsp  Namespace with its slash. */
  open(nsp = '', options: ClientOptions = {}): Socket {
    return this.share(nsp, { forceNew: true, ...options })
  }

  /** Makes a socket that shares its connection with others. */
  share(nsp = '', options: ClientOptions = {}): Socket {
    const { io, url } = this.environment
    const socket: Socket = io(`${url}${nsp}`, { ...this.environment.options, ...options })
    this.sockets.push(socket)
    return socket
  }

  /** As {@link open}, and waits until it is connected. */
  async connect(nsp = '', options: ClientOptions = {}): Promise<Socket> {
    const socket = this.open(nsp, options)
    await isConnected(socket)
    return socket
  }

  close(): void {
    for (const socket of this.sockets) socket.disconnect()
  }
}

/** Waits until a socket is connected; fails at once when it will not be. */
export async function isConnected(socket: Socket): Promise<void> {
  if (socket.connected) return
  const { promise, resolve, reject } = withResolvers()
  const limit = setTimeout(() => reject(new Error('not connected after 10 s')), 10_000)
  const onRefused = (error: Error) => {
    if (!socket.active) reject(error)
  }
  socket.on('connect', resolve)
  socket.on('connect_error', onRefused)
  try {
    await promise
  } finally {
    clearTimeout(limit)
    socket.off('connect', resolve)
    socket.off('connect_error', onRefused)
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve: () => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<void>((done, fail) => {
    resolve = done
    reject = fail
  })
  return { promise, resolve, reject }
}

/** Why a scenario cannot run in an environment, or `false`. */
export function reasonToSkip({ needs = [] }: Scenario, capabilities: Capabilities): string | false {
  for (const need of needs) {
    const reason = capabilities[need]
    if (reason !== true) return reason
  }
  return false
}
