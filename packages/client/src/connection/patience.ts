/* What the machine of machine.ts waits for, and how often. */

/** Until polling begins beside a WebSocket, and what a WebSocket has to let something through that is to take over. */
export const FALLBACK_MS = 2_500
/** A link that is open and has said nothing is asked early: some networks let the upgrade through, and no frame. */
export const UNPROVEN_INTERVAL_MS = 1_000
export const UNPROVEN_TIMEOUT_MS = 1_500
/** A link that lasts this long after an answer is a good one. */
export const STABLE_MS = 5_000
/** A WebSocket that is cut earlier speaks for a network that does not want it. */
export const YOUNG_MS = 60_000
export const MAX_BAD_WEBSOCKETS = 3
export const MAX_VIOLATIONS = 5
/** Polling rests while it is asked to move, and the server waits `pingTimeoutMs` for it: half of that is the limit too. */
export const MOVE_MS = 5_000
export const RIVAL_FIRST_MS = 10_000
export const RIVAL_MAX_MS = 300_000
/** A timer that is this late tells of a page that slept, not of a server that is silent. */
export const LATE_MS = 1_000
export const MAX_LATENESS = 2
