/** Every mode by its name, in the order of the report. */
export const MODE_NAMES = [
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
  'polling',
  'presence',
  'paused',
] as const

/** Name of a mode. */
export type ModeName = (typeof MODE_NAMES)[number]
