import type { KeepLimits, LogItem } from '../cluster/engine'
import type { Deadline } from '../connection/timing-wheel'

/** What a stream belongs to. */
export interface StreamOwner {
  /** A frame of the log, in its order. `stream.top` is its offset already. */
  deliver(stream: Stream, bytes: Uint8Array): void
}

/** The log of one room, or of a whole namespace, as this node follows it. PROTOCOL.md, section 12. */
export class Stream implements Deadline {
  slot: Set<Deadline> | null = null
  dueAt = 0
  isOpen = true
  private taps: Set<Tap> | null = null

  constructor(
    /** In frames; unique on this server. */
    readonly number: number,
    readonly channel: string,
    /** null: everybody in the namespace. */
    readonly room: string | null,
    readonly keep: KeepLimits,
    /** Names the order that positions belong to. */
    readonly epoch: string,
    /** Offset of the newest message that was delivered here. */
    public top: number,
    /** The namespace: another one of the same name may take its place. */
    public owner: StreamOwner,
    private readonly onIdleLong: (stream: Stream) => void,
  ) {}

  expire(): void {
    this.onIdleLong(this)
  }

  /** Collects what is delivered from now on, until {@link untap}. */
  tap(): Tap {
    const tap: Tap = { items: [], isOver: false }
    this.taps ??= new Set()
    this.taps.add(tap)
    return tap
  }

  untap(tap: Tap): void {
    this.taps?.delete(tap)
    if (this.taps?.size === 0) this.taps = null
  }

  /** A message is about to be delivered. */
  advance(offset: number, bytes: Uint8Array): void {
    this.top = offset
    if (this.taps === null) return
    const frame = bytes.slice()
    for (const tap of this.taps) {
      if (tap.items.length < this.keep.messages) tap.items.push({ offset, frame })
      else tap.isOver = true
    }
  }
}

/** What a stream has delivered for a while. */
export interface Tap {
  readonly items: Pick<LogItem, 'frame' | 'offset'>[]
  /** It was more than is kept. */
  isOver: boolean
}
