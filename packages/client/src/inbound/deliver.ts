import { type AnyListener, type ErrorBody, toErrorBody } from '@roomcast/protocol'

/** Where an event goes, and where its answer goes. */
export interface EventTarget {
  listenersOf(event: string): readonly AnyListener[]
  /** Calls the listeners of every event; @returns whether there are any. */
  notifyAny(event: string, args: readonly unknown[]): boolean
  /** Sends an answer; may throw `NOT_ENCODABLE`. */
  answer(ackId: number, error: ErrorBody | null, results: readonly unknown[]): void
  /** Told of what a handler threw. */
  onListenerError(error: unknown, event: string): void
}

/**
 * Brings one event of the server to its handlers. The first answer wins: the ack function, a returned
 * value, or an error.
 *
 * @param ackId  -1 if no answer is wanted.
 */
export function deliverEvent(target: EventTarget, event: string, ackId: number, args: unknown[]): void {
  let isDone = ackId < 0
  const refuse = (body: ErrorBody) => {
    if (isDone) return
    isDone = true
    try {
      target.answer(ackId, body, [])
    } catch {
      target.answer(ackId, { code: body.code, message: body.message }, [])
    }
  }
  const fail = (error: unknown) => {
    target.onListenerError(error, event)
    refuse(toErrorBody(error, 'HANDLER_FAILED', 'the event handler failed'))
  }
  const reply = (results: readonly unknown[]) => {
    if (isDone) return
    try {
      target.answer(ackId, null, results)
      isDone = true
    } catch (error) {
      fail(error)
    }
  }
  if (ackId >= 0) args.push((...results: unknown[]) => reply(results))
  const isSeen = target.notifyAny(event, args)
  const handlers = target.listenersOf(event)
  if (handlers.length === 0 && !isSeen) refuse({ code: 'NO_HANDLER', message: 'nobody listens for this event' })
  for (const handler of handlers) {
    try {
      const result = handler.apply(target, args)
      if (result instanceof Promise) result.then((value) => value !== undefined && reply([value]), fail)
      else if (result !== undefined) reply([result])
    } catch (error) {
      fail(error)
    }
  }
}
