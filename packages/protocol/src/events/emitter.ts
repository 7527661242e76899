import type { EventHandler, EventNames, EventsMap } from '../types/event-map'
import { callListener } from './call-listener'
import { type AnyListener, addOnceTo, addTo, type ListenerTable, NONE, originalOf, removeFrom } from './listener-table'

/** A listener of an event that the library fires, or of one that the peer sends. */
export type ListenerFor<User extends EventsMap, Reserved extends EventsMap, Event extends string> =
  Event extends EventNames<Reserved>
    ? Reserved[Event]
    : Event extends EventNames<User>
      ? EventHandler<User, Event>
      : never

/** Names a listener may be registered for. */
export type ListenableNames<User extends EventsMap, Reserved extends EventsMap> =
  | EventNames<Reserved>
  | EventNames<User>

/**
 * `on`, `once`, `off` and their kin, as people know them from Node.js and Socket.IO. Costs one field until
 * the first listener.
 */
export class Emitter<User extends EventsMap, Reserved extends EventsMap> {
  #table: ListenerTable | null = null

  /** Calls `listener` for each `event`. @returns this object, for chaining. */
  on<Event extends ListenableNames<User, Reserved>>(event: Event, listener: ListenerFor<User, Reserved, Event>): this {
    this.#table ??= this.newTable()
    addTo(this.#table, event, listener)
    return this
  }

  /** As {@link on}, for the next `event` only. */
  once<Event extends ListenableNames<User, Reserved>>(
    event: Event,
    listener: ListenerFor<User, Reserved, Event>,
  ): this {
    this.#table ??= this.newTable()
    addOnceTo(this.#table, event, listener)
    return this
  }

  /**
   * Removes `listener` from `event`; without a listener all of the event's; without an event all there are.
   * Removing what is not there does nothing.
   */
  off<Event extends ListenableNames<User, Reserved>>(
    event?: Event,
    listener?: ListenerFor<User, Reserved, Event>,
  ): this {
    if (event === undefined) this.#table = null
    else if (listener === undefined) this.#table?.delete(event)
    else if (this.#table !== null) removeFrom(this.#table, event, listener)
    return this
  }

  /** The same as {@link on}. */
  addListener<Event extends ListenableNames<User, Reserved>>(
    event: Event,
    listener: ListenerFor<User, Reserved, Event>,
  ): this {
    return this.on(event, listener)
  }

  /** The same as {@link off}. */
  removeListener<Event extends ListenableNames<User, Reserved>>(
    event: Event,
    listener: ListenerFor<User, Reserved, Event>,
  ): this {
    return this.off(event, listener)
  }

  /** Removes all listeners of `event`, or all there are. */
  removeAllListeners<Event extends ListenableNames<User, Reserved>>(event?: Event): this {
    return this.off(event)
  }

  /** The listeners of `event` in order of registration. */
  listeners<Event extends ListenableNames<User, Reserved>>(event: Event): ListenerFor<User, Reserved, Event>[] {
    return this.listenersOf(event).map(originalOf) as ListenerFor<User, Reserved, Event>[]
  }

  /** How many listeners `event` has. */
  listenerCount<Event extends ListenableNames<User, Reserved>>(event: Event): number {
    return this.listenersOf(event).length
  }

  /** Names of the events that have a listener. */
  eventNames(): string[] {
    return [...(this.#table?.keys() ?? NONE)]
  }

  /** @internal The functions to call for `event`, of the library or of a peer. */
  listenersOf(event: string): readonly AnyListener[] {
    return this.#table?.get(event) ?? NONE
  }

  /** @internal A Map, or what takes less memory where there are many objects with few listeners each. */
  newTable(): ListenerTable {
    return new Map()
  }

  /** @internal What {@link newTable} made; null until the first listener. */
  get listenerTable(): ListenerTable | null {
    return this.#table
  }

  /**
   * @internal Calls the listeners of an event that the library fires. A listener that throws or rejects
   * does not stop the others: its error goes to {@link onListenerError}.
   */
  fire<Event extends EventNames<Reserved>>(event: Event, ...args: Parameters<Reserved[Event]>): void {
    const onError = (error: unknown) => this.onListenerError(error, event)
    for (const listener of this.listenersOf(event)) callListener(listener, this, args, onError)
  }

  /** @internal Where errors of listeners go. */
  onListenerError(error: unknown, event: string): void {
    console.error(`roomcast: listener of "${event}" failed`, error)
  }
}
