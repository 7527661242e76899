import type { EventsMap } from '../types/event-map'
import { type CatchAllListener, CatchAllListeners } from './catch-all'
import { Emitter } from './emitter'

/** An emitter whose events come from a peer and go to one: adds listeners that see every event of a direction. */
export class SocketEmitter<User extends EventsMap, Reserved extends EventsMap> extends Emitter<User, Reserved> {
  #incoming: CatchAllListeners | null = null
  #outgoing: CatchAllListeners | null = null

  /** Calls `listener` with the name and arguments of every event of the peer, before the event's own listeners. */
  onAny(listener: CatchAllListener): this {
    this.#incoming ??= new CatchAllListeners()
    this.#incoming.append(listener)
    return this
  }

  /** As {@link onAny}, before the listeners there are. */
  prependAny(listener: CatchAllListener): this {
    this.#incoming ??= new CatchAllListeners()
    this.#incoming.prepend(listener)
    return this
  }

  /** Removes a listener of {@link onAny}, or all of them. */
  offAny(listener?: CatchAllListener): this {
    this.#incoming?.remove(listener)
    return this
  }

  /** The listeners of {@link onAny}. */
  listenersAny(): readonly CatchAllListener[] {
    return this.#incoming?.all() ?? []
  }

  /** Calls `listener` with the name and arguments of every event that is sent to the peer. */
  onAnyOutgoing(listener: CatchAllListener): this {
    this.#outgoing ??= new CatchAllListeners()
    this.#outgoing.append(listener)
    this.onOutgoingChange()
    return this
  }

  /** As {@link onAnyOutgoing}, before the listeners there are. */
  prependAnyOutgoing(listener: CatchAllListener): this {
    this.#outgoing ??= new CatchAllListeners()
    this.#outgoing.prepend(listener)
    this.onOutgoingChange()
    return this
  }

  /** Removes a listener of {@link onAnyOutgoing}, or all of them. */
  offAnyOutgoing(listener?: CatchAllListener): this {
    this.#outgoing?.remove(listener)
    this.onOutgoingChange()
    return this
  }

  /** The listeners of {@link onAnyOutgoing}. */
  listenersAnyOutgoing(): readonly CatchAllListener[] {
    return this.#outgoing?.all() ?? []
  }

  /** @internal Called when the listeners of `onAnyOutgoing` have changed. */
  onOutgoingChange(): void {}

  /** @internal Tells the listeners of `onAny`. @returns Whether there are any. */
  notifyAny(event: string, args: readonly unknown[]): boolean {
    this.#incoming?.notify(this, event, args, (error) => this.onListenerError(error, event))
    return this.listenersAny().length > 0
  }

  /** @internal Tells the listeners of `onAnyOutgoing`. */
  notifyOutgoing(event: string, args: readonly unknown[]): void {
    this.#outgoing?.notify(this, event, args, (error) => this.onListenerError(error, event))
  }
}
