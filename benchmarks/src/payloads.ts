/*
 * The application values that every peer carries, each in its own encoding, and the names around them.
 */

/** Room that every connection joins. */
export const ROOM = 'room'

/** Event that a client sends and the server answers with the same value. */
export const CALL_EVENT = 'move'

/** Argument and answer of {@link CALL_EVENT}. */
export const CALL_VALUE = { x: 1024.4375, y: -2048.21875, id: 'player-0042' }

/** Event that members of a room receive; its argument is one of {@link PAYLOADS}. */
export const TICK_EVENT = 'tick'

/** Event that a member sends: the server sends the others a {@link TICK_EVENT} with the same argument. */
export const SAY_EVENT = 'say'

/** Room that only those join who will read nothing, beside {@link ROOM}. */
export const PAUSED_ROOM = 'paused'

/** Event with which a member asks who is in the room. */
export const WATCH_EVENT = 'watch'

/** Events that tell who has come into the room, and who has gone; the argument is a name. */
export const JOINED_EVENT = 'joined'
export const LEFT_EVENT = 'left'

const ENTITIES = 40
const BINARY_BYTES = 65_536
/** A prime, so that the pattern does not repeat with the bytes of a page or of a read. */
const PATTERN_LENGTH = 251

/**
 * The values of messages: a market tick of 5 fields, a line of a chat of about 150 bytes, a game state of about 2 KB,
 * and 65,536 bytes.
 */
export const PAYLOADS = {
  tick: { symbol: 'ACME-7', bid: 101.4375, ask: 101.46875, size: 120_000, seq: 4_242_424 },
  chat: {
    id: 'message-00184467',
    from: 'Ada Fairweather',
    room: 'lobby',
    text: 'See you at the north gate in ten minutes, bring a lamp.',
    at: 1_763_733_600_000,
  },
  state: {
    entities: Array.from({ length: ENTITIES }, (_, i) => ({
      id: 1_000 + i,
      x: 16.25 * i,
      y: 640.5 - 8.75 * i,
      vx: 0.125 * (i % 7),
      vy: -0.25 * (i % 5),
      hp: 100 - i,
    })),
  },
  binary: Uint8Array.from({ length: BINARY_BYTES }, (_, i) => i % PATTERN_LENGTH),
} as const

/** Name of a value in {@link PAYLOADS}. */
export type PayloadName = keyof typeof PAYLOADS

/** Every payload, in the order of the report. */
export const PAYLOAD_NAMES = ['tick', 'chat', 'state', 'binary'] as const satisfies readonly PayloadName[]

/** What each payload is, for people. */
export const PAYLOAD_TITLES: Readonly<Record<PayloadName, string>> = {
  tick: 'a market tick',
  chat: 'a line of a chat',
  state: 'a game state of 2 KB',
  binary: '64 KiB of bytes',
}

/** A room beside {@link ROOM}, of which a connection joins some. */
export type Group = 'a' | 'b' | 'c'

/** Which members of {@link ROOM} get a message: all, or those in `a` or `b` who are not in `c`. */
export type Audience = 'room' | 'union'

/** The groups that connection `n` joins: of twenty, ten are in `a`, fifteen in `b`, and two in `c`. */
export function groupsOf(n: number): readonly Group[] {
  const groups: Group[] = []
  if (n % 2 === 0) groups.push('a')
  if (n % 2 === 1 || n % 4 === 0) groups.push('b')
  if (n % 10 === 0) groups.push('c')
  return groups
}

/** Whether connection `n` gets what is sent to `a` and `b` except `c`. */
export function isInUnion(n: number): boolean {
  const groups = groupsOf(n)
  return !groups.includes('c') && (groups.includes('a') || groups.includes('b'))
}
