import { CLOSE_CODES, CLOSE_MEANINGS, encodeFrame, LIMITS, MESSAGE_TYPES, writeBatch } from '@roomcast/protocol'
import type { Runtime } from '../api/runtime'
import type { AnySocket } from '../api/socket'
import type { Connection } from '../connection/connection'
import { MovableDeadline } from '../connection/movable-deadline'
import type { LatestValue, WirePort } from '../connection/wire-port'
import type { Receiver } from '../ingress/receive'
import type { ResolvedServerOptions } from '../options/server-options'
import type { Connections } from './connections'
import { FrameQueue } from './frame-queue'
import { closedRefusal, POLL_REFUSALS, type PollAnswer, type PollRefusal } from './poll-answer'
import { PollUplink } from './poll-uplink'
import { SwitchAttempt } from './switch-attempt'
import type { TopicReceiver, TopicTable } from './topic-table'
import { closeFrame } from './uws-wire'

/** What the sessions of a server share. */
export interface SessionHost {
  readonly runtime: Runtime
  readonly receiver: Receiver
  readonly topics: TopicTable
  readonly connections: Connections
  readonly options: Pick<
    ResolvedServerOptions,
    'maxHttpBufferSize' | 'maxPollSessions' | 'pingInterval' | 'pingTimeout' | 'upgradeTimeout'
  >
  /** The session is over: from now on its requests are refused with this. */
  forget(session: PollSession, refusal: PollRefusal): void
}

/** How long a closed session serves what it was sent before. */
const DRAIN_MS = 10_000
/** Bytes that a client receives in a millisecond at least; an answer gets as much time as that takes. */
const SLOWEST_BYTES_PER_MS = 16
/** How much of the time until a client would ask for a sign of life the answer to a GET is held. */
const HOLD_FACTOR = 0.8
/** A proxy between may cut an answer that takes longer. */
const MAX_HOLD_MS = 25_000

/**
 * A connection over polling requests. PROTOCOL.md, "Polling".
 *
 *   open ──end()──► draining ──acknowledged, or too late──► gone (410)
 *     │──────────────silence, DELETE───────────────────────► gone (410)
 *     └──first frame on the WebSocket of a switch──────────► gone (409)
 *
 * One deadline serves all its times: while a GET is held, when to answer it without frames; while none is, when to give
 * the client up; when draining, when to stop that.
 */
export class PollSession implements WirePort, TopicReceiver {
  readonly transport = 'polling'
  skipped = 0
  replaced = 0
  readonly topics = new Set<string>()
  private phase: 'draining' | 'gone' | 'open' = 'open'
  /** How requests are refused from the end on. */
  private refusal: PollRefusal = POLL_REFUSALS.unknown
  private readonly outgoing = new FrameQueue()
  /** Number of the last frame that was handed to the network. */
  private sent = 0
  /** Bytes of the frames behind `sent`. */
  private unsentBytes = 0
  private held: PollAnswer | null = null
  private answering: NodeJS.Immediate | undefined
  private readonly uplink: PollUplink
  private switching: SwitchAttempt | null = null
  private readonly deadline: MovableDeadline

  /**
   * @param id      Public half of its name.
   * @param secret  The other half.
   */
  constructor(
    readonly id: string,
    readonly secret: Buffer,
    readonly connection: Connection<AnySocket>,
    private readonly host: SessionHost,
  ) {
    this.uplink = new PollUplink(connection, host.receiver, host.options.maxHttpBufferSize)
    this.deadline = new MovableDeadline(host.runtime.wheel, () => this.onDue())
    this.deadline.set(host.options.pingInterval + host.options.pingTimeout)
  }

  // ---- What the server sends.

  send(frame: Uint8Array, compress: boolean, latest: LatestValue | null = null): void {
    if (this.phase === 'open') this.enqueue(frame.slice(), compress, latest)
  }

  subscribe(topic: string): void {
    if (this.phase === 'open') this.host.topics.subscribe(topic, this)
  }

  unsubscribe(topic: string): void {
    this.host.topics.unsubscribe(topic, this)
  }

  bufferedBytes(): number {
    return this.outgoing.bytes
  }

  skipsVolatile(): boolean {
    // What fits into one upload's worth is on its way with the next request.
    const isBehind = this.unsentBytes > LIMITS.pollBodyBytes
    if (isBehind) this.skipped++
    return isBehind
  }

  /** Everything comes through the queue, and is counted there. */
  count(): void {}
  adjust(): void {}
  check(): void {}

  closed(): void {}

  enqueue(frame: Uint8Array, compress: boolean, latest: LatestValue | null): void {
    if (this.phase !== 'open') return
    // As everywhere, it is what was there before that counts: one frame may be larger than any budget.
    const isFull = this.outgoing.weight > this.host.runtime.flowLimits.budgetBytes
    const bytesBefore = this.outgoing.bytes
    const hasReplaced = this.outgoing.push(frame, compress, latest, this.sent)
    this.unsentBytes += this.outgoing.bytes - bytesBefore
    if (hasReplaced) this.replaced++
    else if (isFull) return this.connection.end('SLOW_CONSUMER', 'transport error')
    this.noteBuffered()
    if (this.switching !== null) {
      this.sent = this.outgoing.last
      this.unsentBytes = 0
      this.switching.wire.send(frame, compress)
    }
    if (this.held !== null) this.answerSoon()
  }

  end(code: number, message: string, retryAfterMs?: number): void {
    if (this.phase !== 'open') return
    this.leaveOpen('draining', closedRefusal({ code, message }))
    const isStranger = !this.connection.hasBeenConnected && this.held === null
    if (code === CLOSE_CODES.PING_TIMEOUT || isStranger) {
      // Nobody is there to fetch anything, or nobody we know, and there may be many of these.
      this.finish()
    } else {
      // Behind everything else; the budget has no say.
      this.outgoing.push(
        closeFrame(this.host.runtime.codec, code, message, retryAfterMs).slice(),
        false,
        null,
        this.sent,
      )
      this.deadline.set(DRAIN_MS)
      if (this.held !== null) this.answerSoon()
    }
    this.stopSwitching(({ wire }) => wire.end(code, message, retryAfterMs))
    this.host.connections.closed(this.connection, { reason: 'transport close', code, message })
  }

  // ---- What the client asks.

  /** Handles a GET. @param received  Number of the last frame that has arrived. */
  poll(answer: PollAnswer, received: number): void {
    if (this.phase === 'gone') return answer.refuse(this.refusal)
    if (received > this.sent) return answer.refuse(POLL_REFUSALS.neverSent)
    // From before a later GET, held up on the way: what it asks for is forgotten.
    if (received < this.outgoing.acknowledged) return answer.refuse(POLL_REFUSALS.outOfOrder)
    this.outgoing.acknowledge(received)
    this.noteBuffered()
    this.releaseHeld((earlier) => earlier.empty())
    if (this.outgoing.size > 0) this.answerFrames(answer)
    else if (this.phase === 'draining') {
      this.finish()
      answer.refuse(this.refusal)
    } else this.hold(answer)
  }

  /** Whether a POST of this number may be read. @returns null, or why not. */
  checkSeq(seq: number): PollRefusal | null {
    if (this.phase === 'gone') return this.refusal
    return seq > this.uplink.handled + 1 ? POLL_REFUSALS.outOfOrder : null
  }

  /** Some bytes of a POST have come. */
  noteLife(): void {
    if (this.phase === 'open' && this.held === null) this.deadline.extend(this.host.options.pingTimeout)
  }

  /** Handles a POST, once for each number: one that was read while another of its number was handled is dropped. */
  take(answer: PollAnswer, seq: number, body: Uint8Array): void {
    const refusal = this.checkSeq(seq)
    if (refusal !== null) return answer.refuse(refusal)
    if (seq > this.uplink.handled) {
      // Before the handlers run: whatever they do, they do it once.
      this.uplink.handled = seq
      this.stopSwitching((attempt) => attempt.refuse('the client went on with polling'))
      // What comes after a close is dropped, as on a WebSocket; the reason is in what the client still gets.
      if (this.isOpen) this.receive(body)
    }
    answer.empty()
  }

  /** The client leaves: DELETE. */
  leave(answer: PollAnswer): void {
    if (this.phase !== 'open') {
      this.finish()
      return answer.refuse(this.refusal)
    }
    const code = CLOSE_CODES.NORMAL
    this.leaveOpen('gone', closedRefusal({ code, message: CLOSE_MEANINGS.NORMAL }))
    this.finish()
    this.stopSwitching(({ wire }) => wire.end(code, ''))
    answer.empty()
    this.host.connections.closed(this.connection, { reason: 'transport close', code, message: '' })
  }

  // ---- Moving to a WebSocket.

  /**
   * Begins to move. PROTOCOL.md, "Moving to a WebSocket".
   *
   * @param wire      The WebSocket.
   * @param received  Number of the last frame that has arrived.
   * @returns The attempt, to be started; null if the connection cannot move now: then nothing has changed.
   */
  beginSwitch(wire: WirePort, received: number): SwitchAttempt | null {
    const isKnown = received <= this.sent && received >= this.outgoing.acknowledged
    if (!this.isOpen || this.switching !== null || !isKnown) return null
    const { runtime, options } = this.host
    runtime.turn.flush()
    // What was flushed may have been too much.
    if (!this.isOpen) return null
    this.outgoing.acknowledge(received)
    this.switching = new SwitchAttempt(this, wire, runtime.wheel, options.upgradeTimeout)
    return this.switching
  }

  /** Sends what was not received on the WebSocket; from now on everything is sent both ways. */
  startSwitch(attempt: SwitchAttempt): void {
    const { wire } = attempt
    wire.send(encodeFrame(this.host.runtime.codec, { type: MESSAGE_TYPES.SWITCHED }, null), false)
    for (const { frame, compress } of this.outgoing.all()) {
      // The WebSocket may break with any of them.
      if (this.switching !== attempt) return
      wire.send(frame, compress)
      this.sent = Math.max(this.sent, this.outgoing.last)
      this.unsentBytes = 0
    }
  }

  /** The first frame has come on the WebSocket: the connection is there. @returns false if it is not, but has ended. */
  completeSwitch(attempt: SwitchAttempt): boolean {
    // While this session still is the port: what is queued goes the old way, and so in its place.
    this.host.runtime.turn.flush()
    if (this.switching !== attempt) return false
    const { connection } = this
    const { wire } = attempt
    this.switching = null
    attempt.cancelDeadline()
    connection.port = wire
    // What waited here does not wait any more.
    connection.noteBuffered(wire.bufferedBytes(), this.host.runtime.flowLimits)
    for (const topic of this.topics) wire.subscribe(topic)
    // What the topics carried before has come here.
    wire.adjust(-connection.sharedBytes())
    this.leaveOpen('gone', POLL_REFUSALS.switched)
    this.finish()
    return true
  }

  /** The attempt has failed: the session goes on as if nothing had happened. */
  endSwitch(attempt: SwitchAttempt, endLink: (attempt: SwitchAttempt) => void): void {
    if (this.switching === attempt) this.stopSwitching(endLink)
  }

  /** Ends it without a word: the server is gone. */
  dispose(): void {
    this.phase = 'gone'
    clearImmediate(this.answering)
    this.deadline.cancel()
    this.switching?.cancelDeadline()
    this.held = null
  }

  // ----

  private noteBuffered(): void {
    this.connection.noteBuffered(this.outgoing.weight, this.host.runtime.flowLimits)
  }

  private get isOpen(): boolean {
    return this.phase === 'open'
  }

  private stopSwitching(endLink: (attempt: SwitchAttempt) => void): void {
    const attempt = this.switching
    if (attempt === null) return
    this.switching = null
    attempt.cancelDeadline()
    const { pingInterval, pingTimeout } = this.host.options
    // As after opening: the client has to notice first.
    if (this.phase === 'open' && this.held === null) this.deadline.set(pingInterval + pingTimeout)
    endLink(attempt)
  }

  private leaveOpen(phase: 'draining' | 'gone', refusal: PollRefusal): void {
    this.phase = phase
    this.refusal = refusal
    this.host.topics.remove(this)
  }

  /** Nothing is served any more. */
  private finish(): void {
    this.phase = 'gone'
    this.outgoing.clear()
    this.deadline.cancel()
    this.releaseHeld((answer) => answer.refuse(this.refusal))
    this.host.forget(this, this.refusal)
  }

  private onDue(): void {
    if (this.phase === 'draining') return this.finish()
    if (this.phase === 'gone') return
    if (this.held !== null) {
      this.releaseHeld((answer) => answer.empty())
      return this.awaitPoll(0)
    }
    // Then the WebSocket is what shows life.
    if (this.switching !== null) return
    const graceMs = this.host.runtime.wheel.graceMs()
    if (graceMs > 0) this.deadline.set(graceMs)
    else this.connection.end('PING_TIMEOUT', 'ping timeout')
  }

  private hold(answer: PollAnswer): void {
    this.held = answer
    answer.whenGone(() => {
      if (this.held !== answer) return
      this.held = null
      this.awaitPoll(0)
    })
    this.deadline.set(Math.min(this.host.options.pingInterval * HOLD_FACTOR, MAX_HOLD_MS))
  }

  private releaseHeld(answerIt: (answer: PollAnswer) => void): void {
    const { held } = this
    this.held = null
    if (held !== null) answerIt(held)
  }

  /** At the end of the loop turn: what is sent meanwhile goes with it. */
  private answerSoon(): void {
    this.answering ??= setImmediate(() => {
      this.answering = undefined
      this.host.runtime.turn.flush()
      if (this.held !== null && this.outgoing.size > 0) this.releaseHeld((answer) => this.answerFrames(answer))
    })
  }

  private answerFrames(answer: PollAnswer): void {
    const frames = this.outgoing.batch()
    const first = this.outgoing.acknowledged + 1
    for (const { length } of frames.slice(Math.max(0, this.sent + 1 - first))) this.unsentBytes -= length
    this.sent = Math.max(this.sent, first + frames.length - 1)
    const body = writeBatch(frames, first)
    answer.frames(body)
    this.awaitPoll(body.length)
  }

  /** From here on the client has to ask again. @param bytes  What it has to read before. */
  private awaitPoll(bytes: number): void {
    if (this.phase === 'open') this.deadline.set(this.host.options.pingTimeout + bytes / SLOWEST_BYTES_PER_MS)
  }

  private receive(body: Uint8Array): void {
    const { turn } = this.host.runtime
    turn.enterCallback(this)
    try {
      this.uplink.receive(body)
    } finally {
      turn.leaveCallback()
    }
  }
}
