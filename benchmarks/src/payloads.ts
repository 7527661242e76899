/*
 * The application values that every peer carries, each in its own encoding, and the names around them.
 */

/** Room that every connection joins. */
export const ROOM = 'room'

/** Event that a client sends and the server answers with the same value. */
export const CALL_EVENT = 'move'

/** Argument and answer of {@link CALL_EVENT}. */
export const CALL_VALUE = { x: 1024.4375, y: -2048.21875, id: 'player-0042' }

/** Event that the server sends to the room. */
export const TICK_EVENT = 'tick'

/** Argument of {@link TICK_EVENT}. */
export const TICK_VALUE = { symbol: 'ACME-7', bid: 101.4375, ask: 101.46875, size: 120_000, seq: 4_242_424 }
