import { type Group, groupsOf } from '../../payloads'

/** Who is in which group, kept by hand. */
export class Groups<Socket> {
  private readonly members: Readonly<Record<Group, Set<Socket>>> = { a: new Set(), b: new Set(), c: new Set() }

  /** @param n  Number of the connection, which decides its groups. */
  join(socket: Socket, n: number): void {
    for (const group of groupsOf(n)) this.members[group].add(socket)
  }

  leave(socket: Socket): void {
    for (const group of Object.values(this.members)) group.delete(socket)
  }

  /** Those in `a` or `b`, each once, who are not in `c`. */
  union(): ReadonlySet<Socket> {
    const { a, b, c } = this.members
    const union = new Set(a)
    for (const socket of b) union.add(socket)
    for (const socket of c) union.delete(socket)
    return union
  }
}
