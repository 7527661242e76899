import type { DeliveryFlags } from './delivery-flags'

/**
 * One latest value that was not sent yet, for each member of a group as it is meant for them: who is left out of one version has the one before
 * it, if that was for them.
 */
export class PendingValue<Member> {
  /** Of those for whom it is not the common frame; null: nothing. */
  private own: Map<Member, Uint8Array | null> | null = null

  private constructor(
    /** For everybody who has none of their own. */
    public common: Uint8Array,
    public flags: DeliveryFlags,
  ) {}

  static of<Member>(frame: Uint8Array, flags: DeliveryFlags, left: ReadonlySet<Member> | null): PendingValue<Member> {
    const value = new PendingValue<Member>(frame, flags)
    for (const member of left ?? []) value.leaveOut(member)
    return value
  }

  /** Members with a frame of their own, or none. */
  get exceptions(): ReadonlyMap<Member, Uint8Array | null> | null {
    return this.own
  }

  /** A newer version, for all but `left`. */
  update(frame: Uint8Array, flags: DeliveryFlags, left: ReadonlySet<Member> | null): void {
    const { common, own: before } = this
    const merge = flags.latest?.merge ?? null
    const own = new Map<Member, Uint8Array | null>()
    for (const member of left ?? []) own.set(member, before?.get(member) ?? (before?.has(member) ? null : common))
    // What others were not to see must not come to them by way of a merge.
    if (merge !== null) {
      for (const [member, older] of before ?? []) {
        if (!left?.has(member)) own.set(member, older === null ? frame : merge(older, frame))
      }
    }
    this.own = own.size > 0 ? own : null
    this.common = merge === null ? frame : merge(common, frame)
    this.flags = flags
  }

  /** It is not for this member, as it is now. */
  leaveOut(member: Member): void {
    this.own ??= new Map()
    this.own.set(member, null)
  }

  /** The member has gone. */
  forget(member: Member): void {
    this.own?.delete(member)
    if (this.own?.size === 0) this.own = null
  }

  /** What is meant for a member; null for nothing. */
  for(member: Member): Uint8Array | null {
    const own = this.own?.get(member)
    return own === undefined ? this.common : own
  }
}
