import { userRoom } from '../rooms/room-index'
import type { StoredMessage } from './stored-message'
import type { Stream } from './stream'
import type { Place } from './tracking'

/** Who reads a stream again. */
export interface Reader {
  /** Its id, its user and its rooms. */
  readonly names: ReadonlySet<string>
  /** Where it is, and was. */
  readonly places: readonly Place[]
  /** Rooms among them that it is given nothing of any more: what was for another of its rooms too comes from that one. */
  readonly refused?: ReadonlySet<string>
}

/** The names that a socket goes by. @param rooms  Those it is in. */
export function namesOf(id: string, userId: string | null, rooms: Iterable<string>): Set<string> {
  const names = new Set(rooms).add(id)
  return userId === null ? names : names.add(userRoom(userId))
}

/**
 * Whether a message of a stream was for somebody when it was emitted, and is theirs from this stream. Who was where then is known of
 * streams; of rooms without positions it is as it is now.
 *
 * @param stream  null: the reader's own, or none; what is in the stream of a room as well they have from there.
 */
export function isMeantFor(
  { names, places, refused }: Reader,
  { except, rooms, order }: Pick<StoredMessage, 'except' | 'order' | 'rooms'>,
  stream: Stream | null,
): boolean {
  const isExcepted = except.some((name) => {
    const known = places.filter((place) => place.stream.room === name)
    return known.length === 0 ? names.has(name) : known.some((place) => covers(place, order))
  })
  if (isExcepted) return false
  const given = refused === undefined ? places : places.filter(({ stream }) => !refused.has(stream.room ?? ''))
  if (stream === null) return !isInRoom(given, rooms, order)
  if (rooms.length < 2) return true
  return servedBy(rooms, order, given, stream) === stream.room
}

/** Whether somebody was in one of these rooms when a message to them was emitted. */
export function isInRoom(places: readonly Place[], rooms: readonly string[], order: number): boolean {
  return places.some((place) => rooms.includes(place.stream.room as string) && covers(place, order))
}

/**
 * The room that somebody has a message from: the first that they were in when it was emitted; of rooms that they came to later, and
 * were given what they had missed, the one that they came to first.
 */
function servedBy(rooms: readonly string[], order: number, places: readonly Place[], read: Stream): string | null {
  let served: string | null = null
  let entered = Number.POSITIVE_INFINITY
  for (const room of rooms) {
    const place = places.find((each) => each.stream.room === room && covers(each, order))
    // The room that is read may not have been entered yet.
    if (place === undefined && room !== read.room) continue
    if (place !== undefined && place.entered < order) return room
    const at = place?.entered ?? Number.MAX_VALUE
    if (at < entered) {
      served = room
      entered = at
    }
  }
  return served
}

function covers({ since, until }: Place, order: number): boolean {
  return since < order && order <= until
}
