import { type AnyListener, isThenable, RoomcastError } from '@roomcast/protocol'
import type { AnySocket } from '../api/socket'
import { type MiddlewareOutcome, runMiddleware } from './middleware'
import { refusalBody } from './refusal'
import { Reply } from './reply'

/**
 * Brings one event of a client to its handlers.
 *
 * @param ackId  -1 if the client wants no answer.
 * @param data   Decoded arguments.
 */
export function deliverEvent(socket: AnySocket, event: string, ackId: number, data: readonly unknown[]): void {
  if (socket.connected) handleEvent(socket, event, data, new Reply(socket, event, ackId))
}

/**
 * What happens to every event, for an answer that goes where `reply` sends it.
 *
 *   onAny listeners ─► socket middleware ─► handlers ─► ack | returned value | error
 *
 * @param data  Handlers get the ack function behind them when an answer is wanted.
 */
export function handleEvent(socket: AnySocket, event: string, data: readonly unknown[], reply: Reply): void {
  // Not pushed: an array that grows by one gets room for 16.
  const args = reply.isWanted ? [...data, (...results: unknown[]) => reply.send(results)] : data
  const { middleware } = socket
  socket.notifyAny(event, args)
  if (middleware === null) return callHandlers(socket, event, args, reply)
  const passed: [string, ...unknown[]] = [event, ...args]
  const steps = middleware.map((step) => (next: (error?: Error) => void) => step(passed, next))
  runMiddleware(steps, (outcome) => {
    // As in Socket.IO, a middleware may change the arguments in place.
    if (outcome.kind === 'passed') callHandlers(socket, passed[0], passed.slice(1), reply)
    else refuseEvent(socket, outcome, reply)
  })
}

function callHandlers(socket: AnySocket, event: string, args: readonly unknown[], reply: Reply): void {
  if (!socket.connected) return reply.abandon()
  const handlers = socket.listenersOf(event)
  if (handlers.length === 0) {
    if (socket.listenersAny().length === 0)
      reply.refuse({ code: 'NO_HANDLER', message: 'nobody listens for this event' })
    return
  }
  for (const handler of handlers) callHandler(socket, handler, args, reply)
}

function callHandler(socket: AnySocket, handler: AnyListener, args: readonly unknown[], reply: Reply): void {
  try {
    const result = handler.apply(socket, args as unknown[])
    if (result === undefined) return
    if (isThenable(result)) {
      Promise.resolve(result).then(
        (value: unknown) => {
          if (value !== undefined) reply.send([value])
        },
        (error: unknown) => reply.fail(error),
      )
    } else if (handler.length < args.length) {
      // Not of a handler that takes the ack: `(x, ack) => list.push(x)` returns by accident, and answers later.
      reply.send([result])
    }
  } catch (error) {
    reply.fail(error)
  }
}

function refuseEvent(socket: AnySocket, outcome: MiddlewareOutcome & { kind: 'refused' }, reply: Reply): void {
  const { error, given } = outcome
  if (!given) return reply.fail(error)
  const body = refusalBody(error, { code: 'EVENT_REFUSED', message: 'the event was refused' })
  reply.refuse(body)
  socket.fire('error', error instanceof Error ? error : new RoomcastError(body.code, body.message))
}
