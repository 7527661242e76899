import { type NamedBody, RoomcastError } from '@roomcast/protocol'
import type { EventSender } from '../outbound/event-sender'
import { UserWatch, type WatchHost, type WatchMode } from './user-watch'

/** The watches of one socket. The server bounds the lists (`TOO_MANY_WATCHES`), of which several watches may share one. */
export class UserWatches {
  readonly #host: WatchHost
  readonly #sender: EventSender
  readonly #all = new Set<UserWatch>()

  constructor(host: WatchHost, sender: EventSender) {
    this.#host = host
    this.#sender = sender
  }

  start(room: string | null, mode: WatchMode): Promise<UserWatch> {
    const watch: UserWatch = new UserWatch(this.#host, this.#sender, room, mode, () => this.#drop(watch))
    this.#all.add(watch)
    return watch.start()
  }

  /** The socket is connected. */
  onConnected(): void {
    for (const watch of this.#all) watch.onConnected()
  }

  /** Notices `users`, `count` and `unwatched`. */
  onNotice([name, room, ...args]: NamedBody): void {
    for (const watch of this.#all) {
      if (watch.room !== room) continue
      // The modes are named as their notices are.
      if (watch.mode === name) watch.apply(args)
      else if (name === 'unwatched' && watch.mode === args[0]) {
        watch.revoke(new RoomcastError(args[1] as string, args[2] as string))
      }
    }
  }

  #drop(dropped: UserWatch): void {
    this.#all.delete(dropped)
    if (!this.#host.id || !dropped.isWatched) return
    const { room, mode } = dropped
    // For the server the watches of a room are one.
    for (const watch of this.#all) if (watch.room === room && (watch.mode === mode || watch.isAsking)) return
    this.#sender.ask(() => {}, 'unwatch', room, mode)
  }
}
