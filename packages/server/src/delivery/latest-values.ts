import {
  createHeader,
  encodeFrame,
  LIMITS,
  MESSAGE_TYPES,
  prependHeader,
  RoomcastError,
  readArguments,
  readHeader,
  utf8Length,
  type ValueCodec,
} from '@roomcast/protocol'
import type { LatestValue } from '../connection/wire-port'
import type { Targets } from '../egress/broadcaster'
import type { FaultHook } from '../observe/report'
import type { LatestMerge, ResolvedLatestPolicy } from '../options/pace-options'

/** A value that is emitted. */
export interface EmittedValue extends LatestValue {
  /** The room that retains it; null if none does. */
  readonly retainedIn: string | null
  /** What it is within its room: event and key. */
  readonly name: string
}

/** What the latest values of one namespace need of their surroundings. */
export interface LatestValuesHost {
  /** Number of the namespace. */
  readonly number: number
  readonly codec: ValueCodec
  readonly reportFault: FaultHook
  /** Rules of a room; null for rooms without, and for those of one socket or user. */
  policyOf(room: string): ResolvedLatestPolicy | null
}

/** Which events of one namespace are latest values, and what two of them become. */
export class LatestValues {
  /** Whether a rule may make a value of what the caller did not say to be one. */
  hasRules = false
  private readonly merges = new Map<LatestMerge, NonNullable<LatestValue['merge']>>()

  constructor(private readonly host: LatestValuesHost) {}

  /**
   * What an event is as a latest value; null if it is none.
   *
   * @param key  That of the caller, which has the last word; undefined asks the rule of the room.
   */
  of({ rooms }: Targets, key: string | undefined, event: string, args: readonly unknown[]): EmittedValue | null {
    if (key === undefined && !this.hasRules) return null
    const [room] = rooms
    // A value for several rooms is no room's own.
    const policy = room === undefined || rooms.length > 1 ? null : this.host.policyOf(room)
    const chosen = key ?? this.askRule(policy, event, args)
    if (chosen === undefined) return null
    const name = latestName(event, chosen)
    const merge = policy?.merge ? this.mergeBy(policy.merge) : null
    return {
      id: latestId(this.host.number, rooms, name),
      merge,
      name,
      retainedIn: policy?.retain ? (room as string) : null,
    }
  }

  /** The value of a room that retained it. */
  restore(room: string, name: string): LatestValue {
    const merge = this.host.policyOf(room)?.merge
    return { id: latestId(this.host.number, [room], name), merge: merge ? this.mergeBy(merge) : null }
  }

  /** A frame with the number that the namespace has here: it may have been made by another server, or for a namespace that was here before. */
  own(frame: Uint8Array): Uint8Array {
    const { number } = this.host
    const { namespace, event, bodyStart } = readHeader(frame, createHeader())
    if (namespace === number) return frame
    return prependHeader({ type: MESSAGE_TYPES.EVENT, namespace: number, event }, frame.subarray(bodyStart))
  }

  private askRule(policy: ResolvedLatestPolicy | null, event: string, args: readonly unknown[]): string | undefined {
    if (!policy?.key) return undefined
    try {
      const key = policy.key(event, ...args)
      return key === undefined ? undefined : assertLatestKey(key)
    } catch (error) {
      this.host.reportFault(error, { where: 'room policy', name: 'latest.key' })
      return undefined
    }
  }

  private mergeBy(rule: LatestMerge): NonNullable<LatestValue['merge']> {
    const known = this.merges.get(rule)
    if (known !== undefined) return known
    const merge = (older: Uint8Array, newer: Uint8Array) => this.merge(rule, older, newer)
    this.merges.set(rule, merge)
    return merge
  }

  private merge(rule: LatestMerge, older: Uint8Array, newer: Uint8Array): Uint8Array {
    const { codec, number: namespace, reportFault } = this.host
    try {
      const { event, bodyStart } = readHeader(newer, createHeader())
      const earlier = readArguments(codec.decode(older, readHeader(older, createHeader()).bodyStart))
      const merged = rule([...earlier], [...readArguments(codec.decode(newer, bodyStart))])
      if (!Array.isArray(merged)) throw new TypeError('latest.merge has to give a list of arguments')
      return encodeFrame(codec, { type: MESSAGE_TYPES.EVENT, namespace, event: event as string }, merged).slice()
    } catch (error) {
      reportFault(error, { where: 'room policy', name: 'latest.merge' })
      return newer
    }
  }
}

/** What a value is within its receivers. No name of an event has a line break. */
export function latestName(event: string, key: string): string {
  return `${event}\n${key}`
}

/** What a value is on this server. @param rooms  Whom it is for; none for everybody. No name of a room has a line break. */
export function latestId(namespace: number, rooms: readonly string[], name: string): string {
  const names = rooms.length > 1 ? [...rooms].sort().join('\n') : (rooms[0] ?? '')
  return `${namespace}\n${names}\n\n${name}`
}

/** @throws RoomcastError `INVALID_OPTION` for what is no text of 1 to 128 bytes. */
export function assertLatestKey(key: unknown): string {
  const most = LIMITS.latestKeyBytes
  if (typeof key === 'string' && key.length > 0 && key.length <= most && utf8Length(key) <= most) return key
  throw new RoomcastError('INVALID_OPTION', `the key of a latest value has to be a text of 1 to ${most} bytes`)
}

/** A value that is replaced is answered by nobody. */
export function latestWithAck(): RoomcastError {
  return new RoomcastError('INVALID_OPTION', 'a latest value takes no ack: a newer one may take its place')
}
