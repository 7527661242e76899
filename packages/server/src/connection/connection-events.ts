import { Emitter, RoomcastError } from '@roomcast/protocol'
import type { FaultHook } from '../observe/report'
import type { Transport } from '../options/server-options'
import type { Congestion } from './wire-port'

/** Events of `socket.conn`; those that Socket.IO has, with its names. */
export interface ConnectionReservedEvents {
  /** The connection has moved from polling to this transport. Nothing was lost, and the rooms are the same. */
  upgrade: (transport: { readonly name: Transport }) => void
  /** The client takes what it is sent more slowly, or fast enough again. */
  congestion: (congestion: Congestion) => void
}

/** What those wait for who want to go on when the client has caught up: one promise for all of them. */
interface Wait {
  readonly promise: Promise<void>
  resolve(): void
  reject(error: Error): void
}

/** The listeners of one connection, and those who wait for it. */
export class ConnectionEvents extends Emitter<Record<never, never>, ConnectionReservedEvents> {
  private wait: Wait | null = null

  constructor(private readonly reportFault: FaultHook) {
    super()
  }

  /** The connection is congested: resolves when it is not any more, rejects if it is closed before. */
  drained(): Promise<void> {
    this.wait ??= newWait()
    return this.wait.promise
  }

  /** The client is in another state. */
  congestionChanged(congestion: Congestion): void {
    if (congestion === 'none') {
      this.wait?.resolve()
      this.wait = null
    }
    // Whatever is being sent is sent first: a listener may emit, or close the connection.
    queueMicrotask(() => this.fire('congestion', congestion))
  }

  /** The connection is closed. */
  closed(): void {
    this.wait?.reject(new RoomcastError('DISCONNECTED', 'the connection was closed'))
    this.wait = null
  }

  override onListenerError(error: unknown, event: string): void {
    this.reportFault(error, { where: 'listener', name: `conn ${event}` })
  }
}

function newWait(): Wait {
  let resolve = () => {}
  let reject = (_error: Error) => {}
  const promise = new Promise<void>((onDone, onFailed) => {
    resolve = onDone
    reject = onFailed
  })
  return { promise, resolve, reject }
}
