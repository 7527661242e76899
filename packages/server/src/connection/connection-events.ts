import { Emitter } from '@roomcast/protocol'
import type { FaultHook } from '../observe/report'
import type { Transport } from '../options/server-options'

/** Events of `socket.conn`, with the names of Socket.IO. */
export interface ConnectionReservedEvents {
  /** The connection has moved from polling to this transport. Nothing was lost, and the rooms are the same. */
  upgrade: (transport: { readonly name: Transport }) => void
}

/** The listeners of one connection. */
export class ConnectionEvents extends Emitter<Record<never, never>, ConnectionReservedEvents> {
  constructor(private readonly reportFault: FaultHook) {
    super()
  }

  override onListenerError(error: unknown, event: string): void {
    this.reportFault(error, { where: 'listener', name: `conn ${event}` })
  }
}
