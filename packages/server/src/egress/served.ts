/** Members who have a message already that goes to several rooms, one room after the other. */
export class Served<Member> {
  /** Whether the room is the last one: behind it nobody asks. */
  isLast = false
  private readonly members = new Set<Member>()

  has(member: Member): boolean {
    return this.members.has(member)
  }

  add(member: Member): void {
    if (!this.isLast) this.members.add(member)
  }
}
