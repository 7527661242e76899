import type { Dialect } from './dialect'
import { roomcastDialect } from './roomcast'

/** Routes of the raw servers for connections of which they have to know more. */
export const ROLE_PATHS = { speaker: '/say', grouped: '/grouped', paused: '/paused' }

/**
 * Bare WebSockets that carry Roomcast's bytes: the server echoes calls, publishes the frame of a tick, and hands what a
 * speaker sends to the others as it is.
 */
export const rawDialect: Dialect = {
  path: '/',
  subprotocol: '',
  rolePaths: ROLE_PATHS,
  joinedAtOpen: true,
  greeting: () => [],
  react: () => ({ kind: 'unexpected' }),
  call: roomcastDialect.call,
  answer: roomcastDialect.call,
  tick: (payload) => roomcastDialect.tick(payload),
  say: (payload) => roomcastDialect.tick(payload),
}
