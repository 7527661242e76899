/** Modes of whoever lets connections into a room and answers calls on a WebSocket. */
export const WEBSOCKET_MODES = [
  'ack',
  'latency',
  'broadcast',
  'sizes',
  'member',
  'union',
  'stream',
  'payloads',
  'connect',
  'idle',
  'wire',
] as const

/** Every mode by its name, in the order of the report. */
export const MODE_NAMES = [...WEBSOCKET_MODES, 'polling', 'presence', 'paused'] as const

/** Name of a mode. */
export type ModeName = (typeof MODE_NAMES)[number]
