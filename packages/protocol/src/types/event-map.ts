/*
 * Event maps: an interface whose keys are event names and whose values are functions; the parameters are
 * the arguments, and a last parameter that is a function is the ack. Names, arguments and results of
 * `on`, `emit`, `emitWithAck` follow from them on both sides.
 */

/** Any event map. */
export interface EventsMap {
  // biome-ignore lint/suspicious/noExplicitAny: the constraint has to admit every function type a user writes
  [event: string]: any
}

/** The map of programs that do not type their events: every name, any arguments. */
export interface DefaultEventsMap {
  // biome-ignore lint/suspicious/noExplicitAny: untyped events stay untyped, as in Socket.IO
  [event: string]: (...args: any[]) => void
}

// biome-ignore lint/suspicious/noExplicitAny: `unknown` parameters would refuse every concrete function type
type AnyFunction = (...args: any[]) => any

/** Names of the events of a map. */
export type EventNames<Map extends EventsMap> = keyof Map & string

/** All arguments of an event, with its ack if it has one. */
export type EventArgs<Map extends EventsMap, Event extends EventNames<Map>> = Parameters<Map[Event]>

type Last<Args extends readonly unknown[]> = Args extends readonly [...infer _First, infer Tail] ? Tail : undefined
type ButLast<Args extends readonly unknown[]> = Args extends readonly [...infer First, infer _Tail] ? First : Args

// In brackets, because `never` (no last argument) would make the plain condition true.
type HasAck<Args extends readonly unknown[]> = [NonNullable<Last<Args>>] extends [never]
  ? false
  : NonNullable<Last<Args>> extends AnyFunction
    ? true
    : false

/** Arguments of an event without its ack. */
export type DataArgs<Map extends EventsMap, Event extends EventNames<Map>> =
  HasAck<EventArgs<Map, Event>> extends true ? ButLast<EventArgs<Map, Event>> : EventArgs<Map, Event>

type FirstParameter<Fn> = Fn extends (first: infer First, ...rest: never[]) => unknown ? First : never

/** What the ack of an event carries; `any` for untyped events. */
export type AckResult<Map extends EventsMap, Event extends EventNames<Map>> = string extends keyof Map
  ? // biome-ignore lint/suspicious/noExplicitAny: the result of an untyped event is as untyped as its arguments
    any
  : HasAck<EventArgs<Map, Event>> extends true
    ? NonNullable<Last<EventArgs<Map, Event>>> extends () => unknown
      ? void
      : FirstParameter<NonNullable<Last<EventArgs<Map, Event>>>>
    : never

/** What a handler may return: the result of the ack, now or later, or nothing. */
export type HandlerResult<Map extends EventsMap, Event extends EventNames<Map>> = string extends keyof Map
  ? unknown
  : HasAck<EventArgs<Map, Event>> extends true
    ? AckResult<Map, Event> | Promise<AckResult<Map, Event> | void> | void
    : unknown

/** A handler of an event. Its returned value, if any, is the ack; a throw is an error reply. */
export type EventHandler<Map extends EventsMap, Event extends EventNames<Map>> = (
  ...args: EventArgs<Map, Event>
) => HandlerResult<Map, Event>

type AckWithError<Fn> = Fn extends (...args: infer Args) => unknown
  ? (error: Error | null, ...args: Args) => void
  : never

/** Arguments of `timeout(ms).emit`: the ack gets an error, or `null`, in front. */
export type TimedArgs<Map extends EventsMap, Event extends EventNames<Map>> =
  HasAck<EventArgs<Map, Event>> extends true
    ? [...ButLast<EventArgs<Map, Event>>, AckWithError<NonNullable<Last<EventArgs<Map, Event>>>>]
    : EventArgs<Map, Event>

/** Arguments of an emit to many: the ack gets an error, or `null`, and one result for each receiver. */
export type BroadcastArgs<Map extends EventsMap, Event extends EventNames<Map>> = string extends keyof Map
  ? EventArgs<Map, Event>
  : HasAck<EventArgs<Map, Event>> extends true
    ? [...ButLast<EventArgs<Map, Event>>, (error: Error | null, responses: AckResult<Map, Event>[]) => void]
    : EventArgs<Map, Event>
