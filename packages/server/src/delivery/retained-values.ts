import { isThenable, LIMITS } from '@roomcast/protocol'
import type { Engine, LogPage, Soon } from '../cluster/engine'
import { MovableDeadline } from '../connection/movable-deadline'
import type { TimingWheel } from '../connection/timing-wheel'
import type { LatestValue } from '../connection/wire-port'
import type { FaultHook } from '../observe/report'
import type { EmittedValue } from './latest-values'
import { isMeantFor, type Reader } from './reader'
import { attempt, soon } from './soon'
import { packMessage, type StoredMessage, unpackMessage } from './stored-message'

/*
 * A value as it is retained: the length of its name, 2 bytes; the name, event and key, in UTF-8; the message as in `stored-message.ts`.
 */

/** Rooms without members whose values are kept; beyond it those of the room that is idle the longest go. */
const IDLE_ROOMS = 10_000

/** A value for somebody who joins. */
export interface RetainedValue {
  readonly latest: LatestValue
  readonly frame: Uint8Array
  readonly compress: boolean
}

/** What the retained values of one namespace need of their surroundings. */
export interface RetainedValuesHost {
  /** Of the namespace. */
  readonly name: string
  readonly engine: Engine
  readonly wheel: TimingWheel
  readonly reportFault: FaultHook
  /** Bytes that are sent at once to one socket. */
  readonly resendBytes: number
  /** Whether nobody is in a room. */
  isEmpty(room: string): boolean
  /** How long the values of a room stay when nobody is in it. */
  idleMsOf(room: string): number
  restore(room: string, name: string): LatestValue
  /** A frame as it is to be sent here. */
  own(frame: Uint8Array): Uint8Array
}

/**
 * The newest version of each latest value of the rooms that retain them, for who joins. They are in the engine, as what a room retains of its
 * history is, under a channel of their own.
 */
export class RetainedValues {
  /** What waits for the engine, by channel: one that answers later is asked one thing after the other. */
  private readonly waiting = new Map<string, PromiseLike<unknown>>()
  /** What has been emitted since somebody asked for the values of a room, and is not answered; by room. */
  private readonly asked = new Map<string, Set<Map<string, Uint8Array>>>()
  /** Rooms without members, the longest idle first. */
  private readonly idle = new Map<string, MovableDeadline>()
  /** Rooms that have lost values, and whose application was told. */
  private readonly told = new Set<string>()

  constructor(private readonly host: RetainedValuesHost) {}

  /** Retains a value, if a room does. @param message  Copied before it returns. */
  keep({ retainedIn: room, name, merge }: EmittedValue, message: StoredMessage): void {
    if (room === null) return
    const { log } = this.host.engine
    const channel = this.channelOf(room)
    const newer = merge === null ? null : message.frame.slice()
    const since = this.asked.get(room)
    if (since !== undefined) {
      const frame = message.frame.slice()
      for (const values of since) {
        const older = values.get(name)
        values.set(name, older === undefined || merge === null ? frame : merge(older, frame))
      }
    }
    const packed = newer === null ? pack(name, message) : null
    this.attempt(channel, () => {
      const kept =
        packed ??
        soon(log.retainedUnder(channel, name), (bytes) => {
          const older = bytes === null ? null : unpack(bytes).message.frame
          const frame = older === null || merge === null ? (newer as Uint8Array) : merge(older, newer as Uint8Array)
          return pack(name, { ...message, frame })
        })
      return soon(kept, (bytes) =>
        soon(log.retain(channel, name, bytes), ({ isGapless }) => this.tell(room, isGapless)),
      )
    })
    if (this.host.isEmpty(room)) this.rest(room)
  }

  /** Gives the values of a room to somebody who has just come to it: in this turn, if the engine has them. */
  read(room: string, reader: Reader, use: (values: readonly RetainedValue[]) => void): void {
    const { log } = this.host.engine
    const channel = this.channelOf(room)
    const since = new Map<string, Uint8Array>()
    const group = this.asked.get(room) ?? new Set()
    this.asked.set(room, group.add(since))
    const done = () => {
      group.delete(since)
      if (group.size === 0) this.asked.delete(room)
    }
    this.attempt(channel, () => {
      let page: Soon<LogPage>
      try {
        page = log.retained(channel)
      } catch (error) {
        done()
        throw error
      }
      const values = soon(page, (found) => {
        done()
        use(this.valuesOf(room, reader, found, since))
      })
      if (isThenable(values)) (values as PromiseLike<void>).then(undefined, done)
      return values
    })
  }

  /** A room has no members: its values go in a while, unless somebody comes. */
  rest(room: string): void {
    const deadline = this.idle.get(room) ?? new MovableDeadline(this.host.wheel, () => this.release(room))
    this.idle.delete(room)
    this.idle.set(room, deadline)
    deadline.set(this.host.idleMsOf(room))
    if (this.idle.size > IDLE_ROOMS) for (const longest of this.idle.keys()) return this.release(longest)
  }

  /** A room has members. */
  use(room: string): void {
    this.idle.get(room)?.cancel()
    this.idle.delete(room)
  }

  /** The rooms without members retain nothing any more. */
  releaseIdle(): void {
    for (const room of [...this.idle.keys()]) this.release(room)
  }

  private release(room: string): void {
    this.use(room)
    this.told.delete(room)
    const channel = this.channelOf(room)
    this.attempt(channel, () => this.host.engine.log.release(channel))
  }

  private valuesOf(
    room: string,
    { names }: Reader,
    { items }: LogPage,
    since: ReadonlyMap<string, Uint8Array>,
  ): readonly RetainedValue[] {
    const { restore, own, resendBytes } = this.host
    const values: RetainedValue[] = []
    let bytes = 0
    for (const item of [...items].reverse()) {
      const { name, message } = unpack(item.frame)
      if (!isMeantFor({ names, places: [] }, message, null)) continue
      const latest = restore(room, name)
      const later = since.get(name)
      // It has come already, and what it was to be merged with has not.
      if (later !== undefined && latest.merge === null) continue
      const frame = later === undefined ? own(message.frame) : (latest.merge?.(message.frame, later) ?? later)
      bytes += frame.length
      if (bytes > resendBytes) {
        this.tell(room, false)
        break
      }
      values.push({ latest, frame, compress: message.compress })
    }
    return values.reverse()
  }

  private tell(room: string, isWhole: boolean): void {
    if (isWhole || this.told.has(room)) return
    this.told.add(room)
    const text = `a room retains ${LIMITS.retainedKeys} values, within maxHistoryBytes, and gives as many as fit into half of maxOutgoingBytes; the oldest are left out`
    this.host.reportFault(new RangeError(text), { where: 'room policy', name: 'latest.retain' })
  }

  /** One thing after the other, at once if nothing waits. */
  private attempt(channel: string, work: () => Soon<unknown>): void {
    const { engine, reportFault } = this.host
    const onFault = (error: unknown) => reportFault(error, { where: 'engine', name: engine.name })
    attempt(() => {
      const before = this.waiting.get(channel)
      const done = before === undefined ? work() : before.then(work, work)
      if (!isThenable(done)) return done
      const promise = done as PromiseLike<unknown>
      this.waiting.set(channel, promise)
      const forget = () => {
        if (this.waiting.get(channel) === promise) this.waiting.delete(channel)
      }
      promise.then(forget, forget)
      return promise
    }, onFault)
  }

  /** No room has such a name. */
  private channelOf(room: string): string {
    return `${this.host.name}\0\0latest\0${room}`
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

function pack(name: string, message: StoredMessage): Uint8Array {
  const named = encoder.encode(name)
  const packed = packMessage(message)
  const bytes = new Uint8Array(2 + named.length + packed.length)
  new DataView(bytes.buffer).setUint16(0, named.length)
  bytes.set(named, 2)
  bytes.set(packed, 2 + named.length)
  return bytes
}

/** @returns Views of `bytes`. */
function unpack(bytes: Uint8Array): { readonly name: string; readonly message: StoredMessage } {
  const end = 2 + new DataView(bytes.buffer, bytes.byteOffset).getUint16(0)
  return { name: decoder.decode(bytes.subarray(2, end)), message: unpackMessage(bytes.subarray(end)) }
}
