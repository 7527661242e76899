import { RoomcastError } from '@roomcast/protocol'

/**
 * How far the network is behind with what is sent: `high` when 256 KiB wait, until it is less than 128 KiB; `over` from 1 MiB on.
 */
export type Congestion = 'high' | 'none' | 'over'

/** A second of an uplink of 2 Mbit/s: what is sent now is as late as that. */
const HIGH_BYTES = 262_144
/** Half of it: one message more or less makes no other state. */
const LOW_BYTES = 131_072
/** Four seconds of it: a PING that waits behind more is answered when `pingTimeout`, 5 s, is over. */
const OVER_BYTES = 1_048_576
/** Nothing tells a page that the network has taken something. 128 KiB in this time are 42 Mbit/s. */
const LOOK_MS = 25

/** Somebody who waits. */
interface Wait {
  /** Bytes that were sent by then. */
  readonly sentBytes: number
  resolve(): void
  reject(error: RoomcastError): void
}

/** How much waits to be sent on a link. There is a timer only while it is too much, or while somebody waits. */
export class Flow {
  /** Bytes that wait; undefined while no link is open. */
  readonly #measure: () => number | undefined
  readonly #onChange: (congestion: Congestion) => void
  #sentBytes = 0
  #congestion: Congestion = 'none'
  #told: Congestion = 'none'
  #waits: Wait[] = []
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param onChange  Told a little later than {@link congestion} says so, and not while something is sent. */
  constructor(measure: () => number | undefined, onChange: (congestion: Congestion) => void) {
    this.#measure = measure
    this.#onChange = onChange
  }

  get buffered(): number {
    return this.#measure() ?? 0
  }

  get congestion(): Congestion {
    const { buffered } = this
    const isLow = buffered < (this.#congestion === 'none' ? HIGH_BYTES : LOW_BYTES)
    this.#congestion = isLow ? 'none' : buffered < OVER_BYTES ? 'high' : 'over'
    return this.#congestion
  }

  /** Something was handed to the link. */
  onSent(bytes: number): void {
    this.#sentBytes += bytes
    if (this.congestion !== this.#told) this.#plan(0)
  }

  /** Waits until `congestion` is `none`, and what was sent so far is taken. @throws RoomcastError `DISCONNECTED`. */
  drained(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waits.push({ sentBytes: this.#sentBytes, resolve, reject })
      if (this.#measure() === undefined) this.onLost()
      else this.#look()
    })
  }

  /** There is no link any more. */
  onLost(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const { reject } of this.#waits.splice(0)) reject(new RoomcastError('DISCONNECTED', 'the link was lost'))
    this.#look()
  }

  #look(): void {
    const { congestion } = this
    const takenBytes = this.#sentBytes - this.buffered
    const isDone = ({ sentBytes }: Wait) => congestion === 'none' && sentBytes <= takenBytes
    for (const wait of this.#waits) if (isDone(wait)) wait.resolve()
    this.#waits = this.#waits.filter((wait) => !isDone(wait))
    if (congestion !== this.#told) {
      this.#told = congestion
      this.#onChange(congestion)
    }
    // A listener may have closed the link.
    if (this.#told !== 'none' || this.#waits.length > 0) this.#plan(LOOK_MS)
  }

  #plan(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#look()
    }, ms)
  }
}
