import { App, type WebSocket } from 'uws-pack'
import { ROLE_PATHS } from '../load/dialects/raw'
import { PAUSED_ROOM, ROOM } from '../payloads'
import { Groups } from './raw/groups'
import { listen } from './raw/listen'
import { TICKS, tickWith } from './raw/ticks'
import { addUwsPolling } from './raw/uws-polling'
import { addUwsPresence } from './raw/uws-presence'
import { upgradeWith } from './raw/uws-upgrade'
import { type ServerUnderTest, serve } from './serve'

/*
 * uWebSockets.js with nothing on top: the limit of the engine. Calls are echoed, ticks are bytes made in
 * advance.
 */

const LIMITS = { idleTimeout: 120, maxBackpressure: 1_048_576, maxPayloadLength: 1_048_576 }

/** Of a connection that has told its number. */
interface Numbered {
  readonly n: number
}

await serve(async (features): Promise<ServerUnderTest> => {
  const members = new Set<object>()
  const paused = new Set<object>()
  const groups = new Groups<WebSocket<Numbered>>()
  const app = App()
    .ws('/*', {
      ...LIMITS,
      open(ws) {
        members.add(ws)
        ws.subscribe(ROOM)
      },
      message(ws, message, isBinary) {
        ws.send(message, isBinary)
      },
      close(ws) {
        members.delete(ws)
      },
    })
    .ws(ROLE_PATHS.speaker, {
      ...LIMITS,
      open(ws) {
        members.add(ws)
        ws.subscribe(ROOM)
      },
      message(ws, message, isBinary) {
        // To the subscribers but the one that publishes.
        ws.publish(ROOM, message, isBinary)
      },
      close(ws) {
        members.delete(ws)
      },
    })
    .ws<Numbered>(ROLE_PATHS.grouped, {
      ...LIMITS,
      upgrade: (res, req, context) => upgradeWith({ n: Number(req.getQuery('n')) }, res, req, context),
      open(ws) {
        members.add(ws)
        ws.subscribe(ROOM)
        groups.join(ws, ws.getUserData().n)
      },
      close(ws) {
        members.delete(ws)
        groups.leave(ws)
      },
    })
    .ws(ROLE_PATHS.paused, {
      ...LIMITS,
      open(ws) {
        members.add(ws)
        paused.add(ws)
        ws.subscribe(ROOM)
        ws.subscribe(PAUSED_ROOM)
      },
      close(ws) {
        members.delete(ws)
        paused.delete(ws)
      },
    })
  const sessions = features.has('polling') ? addUwsPolling(app) : () => 0
  if (features.has('presence')) addUwsPresence(app, LIMITS, members)
  const port = await listen(app)
  return {
    port,
    members: () => members.size + sessions(),
    publish: (payload) => app.publish(ROOM, TICKS[payload], true),
    publishUnion(payload) {
      const tick = TICKS[payload]
      for (const ws of groups.union()) ws.send(tick, true)
    },
    publishPaused: (bytes) => app.publish(PAUSED_ROOM, tickWith(bytes), true),
    pausedMembers: () => paused.size,
  }
})
