import { type AnyListener, isThenable, RoomcastError } from '@roomcast/protocol'
import type { AnySocket } from '../api/socket'
import type { SocketMiddleware } from '../api/socket-events'
import { type MiddlewareOutcome, runMiddleware } from './middleware'
import { refusalBody } from './refusal'
import { Reply } from './reply'
import { type HoldSocket, Turn } from './turn'

/**
 * Brings one event of a client to its handlers.
 *
 * @param ackId  -1 if the client wants no answer.
 * @param data   Decoded arguments.
 */
export function deliverEvent(
  socket: AnySocket,
  event: string,
  ackId: number,
  data: readonly unknown[],
  hold: HoldSocket,
): void {
  if (socket.connected) handleEvent(socket, event, data, new Reply(socket, event, ackId), hold)
}

/**
 * What happens to every event, for an answer that goes where `reply` sends it.
 *
 *   onAny listeners ─► socket middleware ─► handlers ─► ack | returned value | error
 *
 * @param data  Handlers get the ack function behind them when an answer is wanted.
 * @param hold  Lets what follows wait, if this is not over at once.
 */
export function handleEvent(
  socket: AnySocket,
  event: string,
  data: readonly unknown[],
  reply: Reply,
  hold: HoldSocket,
): void {
  const args = reply.isWanted ? withAck(data, (...results: unknown[]) => reply.send(results)) : data
  const { middleware } = socket
  socket.notifyAny(event, args)
  const work =
    middleware === null
      ? callHandlers(socket, event, args, reply)
      : passMiddleware(socket, middleware, [event, ...args], reply)
  if (work !== null) Turn.begin(socket, event, work, hold)
}

/** Behind the arguments, in a list without room for more: what is pushed, or spread, leaves room for 16. */
function withAck(data: readonly unknown[], ack: AnyListener): unknown[] {
  return data.length === 1 ? [data[0], ack] : data.length === 0 ? [ack] : data.concat(ack)
}

/** What is not over yet, and never rejects; null if nothing is. */
type Work = Promise<unknown> | null

function passMiddleware(
  socket: AnySocket,
  middleware: readonly SocketMiddleware[],
  passed: [string, ...unknown[]],
  reply: Reply,
): Work {
  const steps = middleware.map((step) => (next: (error?: Error) => void) => step(passed, next))
  let work: Work = null
  let isDecided = false
  let resolve: (work: Work) => void = () => {}
  runMiddleware(steps, (outcome) => {
    isDecided = true
    // As in Socket.IO, a middleware may change the arguments in place.
    if (outcome.kind === 'passed') work = callHandlers(socket, passed[0], passed.slice(1), reply)
    else refuseEvent(socket, outcome, reply)
    resolve(work)
  })
  if (isDecided) return work
  return new Promise((settle) => {
    resolve = settle
  })
}

function callHandlers(socket: AnySocket, event: string, args: readonly unknown[], reply: Reply): Work {
  if (!socket.connected) {
    reply.abandon()
    return null
  }
  const handlers = socket.handlersOf(event)
  if (typeof handlers === 'function') return callHandler(socket, handlers, args, reply)
  if (handlers === undefined && socket.listenersAny().length === 0) {
    reply.refuse({ code: 'NO_HANDLER', message: 'nobody listens for this event' })
  }
  let work: Work = null
  for (const handler of handlers ?? []) {
    const more = callHandler(socket, handler, args, reply)
    if (more !== null) work = work === null ? more : Promise.all([work, more])
  }
  return work
}

function callHandler(socket: AnySocket, handler: AnyListener, args: readonly unknown[], reply: Reply): Work {
  try {
    const result = handler.apply(socket, args as unknown[])
    if (result === undefined) return null
    if (isThenable(result)) {
      return Promise.resolve(result).then(
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
  return null
}

function refuseEvent(socket: AnySocket, outcome: MiddlewareOutcome & { kind: 'refused' }, reply: Reply): void {
  const { error, given } = outcome
  if (!given) return reply.fail(error)
  const body = refusalBody(error, { code: 'EVENT_REFUSED', message: 'the event was refused' })
  reply.refuse(body)
  socket.fire('error', error instanceof Error ? error : new RoomcastError(body.code, body.message))
}
