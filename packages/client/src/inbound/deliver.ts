import { type AnyListener, type ErrorBody, isRoomcastError, RESERVED_EVENTS, toErrorBody } from '@roomcast/protocol'
import type { EVENT } from '../tables'
import type { MessageOf } from './server-message'

/** Of an error that did not fit. */
const SHORT_TEXT_CHARS = 200
const NONE: readonly AnyListener[] = []

/** Sends the answer to an event; may throw `NOT_ENCODABLE`, `MESSAGE_TOO_LARGE`. */
export type Answer = (error: ErrorBody | null, results: readonly unknown[]) => void

/** Where an event goes. */
export interface EventTarget {
  listenersOf(event: string): readonly AnyListener[]
  /** Calls the listeners of every event; @returns whether there are any. */
  notifyAny(event: string, args: readonly unknown[]): boolean
  /** Told of what a handler threw. */
  onListenerError(error: unknown, event: string): void
}

/**
 * Brings one event of the server to its handlers. The first answer wins: the ack function, a returned
 * value, or an error.
 *
 * @param answer  null if no answer is wanted.
 * @param room    Whose listeners come behind those of the target.
 * @param isHeard Whether those of the target have had it.
 */
export function deliverEvent(
  target: EventTarget,
  message: MessageOf<typeof EVENT>,
  answer: Answer | null,
  room: Pick<EventTarget, 'listenersOf'> | null = null,
  isHeard = false,
): void {
  const { event, body: args } = message
  if (typeof event !== 'string' || RESERVED_EVENTS.has(event)) {
    const code = typeof event === 'string' ? 'RESERVED_EVENT' : 'UNKNOWN_EVENT_ID'
    if (answer) answerError(answer, { code, message: 'no event of this client' })
    return
  }
  let isDone = answer === null
  const refuse = (body: ErrorBody) => {
    if (isDone || !answer) return
    isDone = true
    answerError(answer, body)
  }
  const fail = (error: unknown, isFault = !isRoomcastError(error)) => {
    // A RoomcastError is an answer of the application, and no fault.
    if (isFault) target.onListenerError(error, event)
    refuse(toErrorBody(error, 'HANDLER_FAILED', 'the event handler failed'))
  }
  const reply = (results: readonly unknown[]) => {
    if (isDone) return
    try {
      answer?.(null, results)
      isDone = true
    } catch (error) {
      fail(error, true)
    }
  }
  if (answer !== null) args.push((...results: unknown[]) => reply(results))
  const isSeen = isHeard || target.notifyAny(event, args)
  const handlers = isHeard ? NONE : target.listenersOf(event)
  const others = room?.listenersOf(event) ?? NONE
  if (handlers.length + others.length === 0 && !isSeen) {
    refuse({ code: 'NO_HANDLER', message: 'nobody listens for this event' })
  }
  const run = (self: unknown, handler: AnyListener) => {
    try {
      const result = handler.apply(self, args)
      if (result instanceof Promise)
        result.then(
          (value) => value !== undefined && reply([value]),
          (error) => fail(error),
        )
      // Not of a handler that takes the ack: `(x, ack) => list.push(x)` returns by accident, and answers later.
      else if (result !== undefined && handler.length < args.length) reply([result])
    } catch (error) {
      fail(error)
    }
  }
  for (const handler of handlers) run(target, handler)
  for (const handler of others) run(room, handler)
}

function answerError(answer: Answer, body: ErrorBody): void {
  try {
    answer(body, [])
  } catch {
    // Its data cannot be sent, or is too large; its text may be too.
    try {
      answer({ code: body.code, message: body.message.slice(0, SHORT_TEXT_CHARS) }, [])
    } catch {
      // Not even that fits: the caller has its timeout.
    }
  }
}
