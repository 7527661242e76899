import type { EventsMap } from '../types/event-map'
import { callListener } from './call-listener'
import { type CatchAllListener, withoutListener } from './catch-all'
import { Emitter } from './emitter'
import { NONE } from './listener-table'

/** An emitter whose events come from a peer and go to one: adds listeners that see every event of a direction. */
export class SocketEmitter<User extends EventsMap, Reserved extends EventsMap> extends Emitter<User, Reserved> {
  #incoming: readonly CatchAllListener[] = NONE
  #outgoing: readonly CatchAllListener[] = NONE

  /** Calls `listener` with the name and arguments of every event of the peer, before the event's own listeners. */
  onAny(listener: CatchAllListener): this {
    this.#incoming = [...this.#incoming, listener]
    return this
  }

  /** As {@link onAny}, before the listeners there are. */
  prependAny(listener: CatchAllListener): this {
    this.#incoming = [listener, ...this.#incoming]
    return this
  }

  /** Removes a listener of {@link onAny}, or all of them. */
  offAny(listener?: CatchAllListener): this {
    this.#incoming = withoutListener(this.#incoming, listener)
    return this
  }

  /** The listeners of {@link onAny}. */
  listenersAny(): readonly CatchAllListener[] {
    return [...this.#incoming]
  }

  /** Calls `listener` with the name and arguments of every event that is sent to the peer. */
  onAnyOutgoing(listener: CatchAllListener): this {
    return this.setOutgoing([...this.#outgoing, listener])
  }

  /** As {@link onAnyOutgoing}, before the listeners there are. */
  prependAnyOutgoing(listener: CatchAllListener): this {
    return this.setOutgoing([listener, ...this.#outgoing])
  }

  /** Removes a listener of {@link onAnyOutgoing}, or all of them. */
  offAnyOutgoing(listener?: CatchAllListener): this {
    return this.setOutgoing(withoutListener(this.#outgoing, listener))
  }

  /** The listeners of {@link onAnyOutgoing}. */
  listenersAnyOutgoing(): readonly CatchAllListener[] {
    return [...this.#outgoing]
  }

  /** @internal Tells the listeners of `onAny`. @returns Whether there are any. */
  notifyAny(event: string, args: readonly unknown[]): boolean {
    notify(this, this.#incoming, event, args)
    return this.#incoming.length > 0
  }

  /** @internal Tells the listeners of `onAnyOutgoing`. */
  notifyOutgoing(event: string, args: readonly unknown[]): void {
    notify(this, this.#outgoing, event, args)
  }

  /**
   * @internal What changes the listeners of `onAnyOutgoing`. No `#` here, and none for what is below: a class with private methods has a
   * hidden field in every object.
   */
  setOutgoing(listeners: readonly CatchAllListener[]): this {
    this.#outgoing = listeners
    return this
  }
}

function notify(
  emitter: { onListenerError(error: unknown, event: string): void },
  listeners: readonly CatchAllListener[],
  event: string,
  args: readonly unknown[],
): void {
  for (const listener of listeners) {
    callListener(listener, emitter, [event, ...args], (error) => emitter.onListenerError(error, event))
  }
}
