import { RoomcastError } from '@roomcast/protocol'
import { inRange } from './ranges'

/** The options of a server that say how much of what clients send it takes, and how fast. */
export interface FlowOptions {
  /**
   * Events of one socket that may be under way at once: from the first handler that returns a promise, or middleware that has not called `next`, until all
   * of them are done. The next event, call or request of the socket waits, within bounds; answers to the server's own calls never do. Infinity has every event
   * handled as it comes, as in Socket.IO. @default 1: in their order, one after the other
   */
  readonly concurrency?: number
  /**
   * Milliseconds after which the next event begins although the handlers of one before have not ended; `onError` is told
   * (`HANDLER_TIMEOUT`), and the late answer is sent when it comes. @default `ackTimeout`
   */
  readonly handlerTimeout?: number
}

/** {@link FlowOptions} with the defaults filled in and checked. */
export interface ResolvedFlowOptions {
  readonly handlers: HandlerLimits
}

/** How the handlers of one socket run. */
export interface HandlerLimits {
  /** Events under way at once, or Infinity. */
  readonly concurrency: number
  readonly timeoutMs: number
}

/** @param ackTimeoutMs  Of the same server. @throws RoomcastError `INVALID_OPTION`. */
export function resolveFlowOptions(options: FlowOptions, ackTimeoutMs: number): ResolvedFlowOptions {
  const { concurrency = 1 } = options
  if (!(concurrency >= 1) || (!Number.isInteger(concurrency) && concurrency !== Number.POSITIVE_INFINITY)) {
    throw new RoomcastError(
      'INVALID_OPTION',
      `concurrency is ${concurrency}; it has to be a whole number from 1, or Infinity`,
    )
  }
  const timeoutMs = inRange('handlerTimeout', options.handlerTimeout ?? ackTimeoutMs, 1, 2 ** 31 - 1)
  return { handlers: { concurrency, timeoutMs } }
}
