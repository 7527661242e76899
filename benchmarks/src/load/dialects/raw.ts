import type { Dialect } from './dialect'
import { roomcastDialect } from './roomcast'

/** Bare WebSockets that carry Roomcast's bytes: the server echoes calls, and publishes the frame of a tick. */
export const rawDialect: Dialect = {
  path: '/',
  subprotocol: '',
  joinedAtOpen: true,
  greeting: () => [],
  react: () => ({ kind: 'unexpected' }),
  call: roomcastDialect.call,
  answer: roomcastDialect.call,
  tick: () => roomcastDialect.tick(),
}
