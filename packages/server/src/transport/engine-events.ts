import { Emitter } from '@roomcast/protocol'
import type { FaultHook } from '../observe/report'
import type { UpgradeRequest } from '../options/server-options'
import type { Refusal } from './admission'

/** A request for a connection that was not admitted. */
export interface ConnectionError extends Refusal {
  readonly request: UpgradeRequest
}

/** Events of `io.engine`. */
export interface EngineReservedEvents {
  connection_error: (error: ConnectionError) => void
}

/** `io.engine`: the level below sockets. */
export class EngineEvents extends Emitter<Record<never, never>, EngineReservedEvents> {
  /** @internal */
  constructor(
    private readonly countConnections: () => number,
    private readonly reportFault: FaultHook,
  ) {
    super()
  }

  /** Open connections, those without a namespace included. */
  get clientsCount(): number {
    return this.countConnections()
  }

  /** @internal */
  override onListenerError(error: unknown, event: string): void {
    this.reportFault(error, { where: 'listener', name: event })
  }
}
