import { isThenable } from '@roomcast/protocol'
import type { Engine, KeepLimits, Soon } from '../cluster/engine'
import type { TimingWheel } from '../connection/timing-wheel'
import { soon } from './soon'
import { Stream, type StreamOwner } from './stream'

/** Streams without members that are followed on; beyond it the one that is idle the longest is closed. */
const IDLE_STREAMS = 10_000

/** The streams of a server, by channel of the engine. */
export class Streams {
  private readonly byChannel = new Map<string, Stream>()
  private readonly idle = new Set<Stream>()
  private readonly opening = new Map<string, PromiseLike<Stream>>()
  private lastNumber = 0

  /**
   * @param idleMs  How long a stream without members is followed on: who was in it may come back.
   */
  constructor(
    private readonly engine: Engine,
    private readonly wheel: TimingWheel,
    private readonly idleMs: number,
  ) {}

  /** Streams that are followed. */
  get size(): number {
    return this.byChannel.size
  }

  get(channel: string): Stream | undefined {
    return this.byChannel.get(channel)
  }

  /** The stream of a channel, which is followed from now on; for a while, if nobody uses it. */
  open(channel: string, room: string | null, keep: KeepLimits, owner: StreamOwner): Soon<Stream> {
    const known = this.byChannel.get(channel)
    if (known !== undefined) {
      // Maybe of a namespace of the same name that is no more.
      known.owner = owner
      return known
    }
    const opening = this.opening.get(channel)
    if (opening !== undefined) return soon(opening, () => this.open(channel, room, keep, owner))
    const { bus, log } = this.engine
    const opened = soon(bus.subscribe([channel]), () =>
      soon(log.read(channel, null, 0), ({ epoch, top }) => {
        const stream = new Stream(++this.lastNumber, channel, room, keep, epoch, top, owner, (idle) => this.close(idle))
        this.byChannel.set(channel, stream)
        this.rest(stream)
        return stream
      }),
    )
    if (!isThenable(opened)) return opened
    const forget = () => this.opening.delete(channel)
    const promise = opened as PromiseLike<Stream>
    this.opening.set(channel, promise)
    promise.then(forget, forget)
    return promise
  }

  /** Whether the stream of a channel is about to be open. */
  isOpening(channel: string): boolean {
    return this.opening.has(channel)
  }

  /** When the stream of a channel is open, if it is about to be: what is added before is not for those who wait for it. */
  opened(channel: string): PromiseLike<unknown> | undefined {
    return this.opening.get(channel)
  }

  /** A frame that the engine hands over. */
  onFrame(channel: string, bytes: Uint8Array, offset: number): void {
    const stream = this.byChannel.get(channel)
    if (stream === undefined || offset <= stream.top) return
    stream.advance(offset, bytes)
    stream.owner.deliver(stream, bytes)
  }

  /** It has members, or is about to. */
  use(stream: Stream): void {
    if (this.idle.delete(stream)) this.wheel.cancel(stream)
  }

  /** It has no members: it is closed in a while, unless it is used again. */
  rest(stream: Stream): void {
    if (!stream.isOpen || this.idle.has(stream)) return
    this.idle.add(stream)
    this.wheel.schedule(stream, Math.max(this.idleMs, stream.keep.ageMs))
    if (this.idle.size > IDLE_STREAMS) for (const oldest of this.idle) return this.close(oldest)
  }

  /** Follows nothing any more. */
  clear(): void {
    for (const stream of [...this.byChannel.values()]) this.close(stream)
  }

  private close(stream: Stream): void {
    this.use(stream)
    stream.isOpen = false
    this.byChannel.delete(stream.channel)
    this.engine.bus.unsubscribe([stream.channel])
  }
}
