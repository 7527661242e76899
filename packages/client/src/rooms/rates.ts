import { RoomcastError } from '@roomcast/protocol'
import type { EventSender } from '../outbound/event-sender'
import type { OpenRoom } from './room'

const LEAST = 0.01
const MOST = 1_000

/** The socket of {@link Rates}. */
export interface RatesHost {
  isConnected(): boolean
  /** Something is wrong that no caller is told of. */
  onFault(error: RoomcastError): void
}

/**
 * How often the newest values of rooms come, as their members have chosen. PROTOCOL.md, "Rooms, positions and sessions".
 *
 * It goes with each `join`. `rate` is for what is between: another choice, and a session that is resumed without joining anew.
 */
export class Rates {
  readonly #host: RatesHost
  readonly #sender: EventSender
  /** The last choice of each room. */
  readonly #newest = new WeakMap<OpenRoom, object>()

  constructor(host: RatesHost, sender: EventSender) {
    this.#host = host
    this.#sender = sender
  }

  /** @param isTold  Whether the server has the socket in the room, or is about to: else the next `join` says it. */
  choose(room: OpenRoom, rate: number | undefined, isTold: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      assertRate(rate)
      // At once: a `join` that is sent from now on is behind the request.
      room.maxRate = rate
      const choice = {}
      this.#newest.set(room, choice)
      if (!isTold) return resolve()
      const ackId = this.#sender.expect((error, _results, isLost) => {
        if (!error) {
          room.heldRate = rate
          // Unless another one was chosen since: it is what the next connection is told.
          if (this.#newest.get(room) === choice) room.maxRate = rate
        } else if (!isLost && room.maxRate === rate) room.maxRate = room.heldRate
        // The next connection is told of it.
        if (!error || (isLost && !this.#host.isConnected())) resolve()
        else reject(error)
      })
      this.#sender.request(ackId, 'rate', room.name, rate ?? null)
    })
  }

  /** The socket is in the room again, without joining anew. */
  tell({ name, maxRate }: OpenRoom, isWanted: () => boolean): void {
    if (maxRate === undefined) return
    this.#sender.ask(
      (error) => {
        if (error && this.#host.isConnected() && isWanted()) this.#host.onFault(error)
      },
      'rate',
      name,
      maxRate,
    )
  }
}

/** @throws RoomcastError `INVALID_OPTION` unless it is a rate, or undefined for none. */
export function assertRate(rate: number | undefined): void {
  if (rate === undefined || (typeof rate === 'number' && rate >= LEAST && rate <= MOST)) return
  throw new RoomcastError('INVALID_OPTION', `a rate is ${LEAST} to ${MOST} times a second`)
}

/** The server goes by this rate: it has answered. */
export function holdRate(room: OpenRoom, rate: number | undefined): void {
  room.maxRate = room.heldRate = rate
}

/** What `join` says of it, behind the position; nothing without one. */
export function rateArgument(rate: number | undefined): number[] {
  return rate === undefined ? [] : [rate]
}
