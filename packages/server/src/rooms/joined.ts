/** Rooms of one socket, in order of joining. Most sockets are in one, and have no list for it: that would be 56 bytes. */
export type Joined<Room extends object> = Room | Room[] | null

const NONE: readonly never[] = []

/** The rooms as a list, which may be the very one that is kept. */
export function listJoined<Room extends object>(joined: Joined<Room>): readonly Room[] {
  return joined === null ? NONE : Array.isArray(joined) ? joined : [joined]
}

/** @returns What it is with another room behind. */
export function withRoom<Room extends object>(joined: Joined<Room>, room: Room): Joined<Room> {
  if (joined === null) return room
  if (!Array.isArray(joined)) return [joined, room]
  joined.push(room)
  return joined
}

/** @returns What it is without a room that is in it. */
export function withoutRoom<Room extends object>(joined: Joined<Room>, room: Room): Joined<Room> {
  if (!Array.isArray(joined)) return null
  joined.splice(joined.indexOf(room), 1)
  return joined.length === 1 ? (joined[0] as Room) : joined
}
