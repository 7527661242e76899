import { ROLE_PATHS } from '../load/dialects/raw'
import { ROOM } from '../payloads'
import { type BunServer, type BunWebSocket, bun } from '../process/bun'
import { Groups } from './raw/groups'
import { TICKS } from './raw/ticks'
import { type ServerUnderTest, serve } from './serve'

/*
 * The WebSocket server of Bun with nothing on top, default options but for host and port. Calls are echoed, ticks are
 * bytes made in advance.
 */

/** Of a connection, for the handlers that all routes share. */
interface Route {
  readonly isSpeaker?: boolean
  /** Number of the connection, if it has told one. */
  readonly n?: number
}

const MEMBER: Route = {}

await serve(async (): Promise<ServerUnderTest> => {
  if (!bun) throw new Error('this server runs under Bun')
  const members = new Set<object>()
  const groups = new Groups<BunWebSocket<Route>>()
  const server = bun.serve<Route>({
    hostname: '127.0.0.1',
    port: 0,
    routes: {
      [ROLE_PATHS.speaker]: (request, http) => upgrade(http, request, { isSpeaker: true }),
      [ROLE_PATHS.grouped](request, http) {
        const n = Number(new URL(request.url).searchParams.get('n'))
        return upgrade(http, request, { n })
      },
    },
    fetch: (request, http) => upgrade(http, request, MEMBER),
    websocket: {
      open(ws) {
        members.add(ws)
        ws.subscribe(ROOM)
        if (ws.data.n !== undefined) groups.join(ws, ws.data.n)
      },
      message(ws, message) {
        // To the subscribers but the one that publishes.
        if (ws.data.isSpeaker) ws.publish(ROOM, message)
        else ws.send(message)
      },
      close(ws) {
        members.delete(ws)
        groups.leave(ws)
      },
    },
  })
  return {
    port: server.port,
    members: () => members.size,
    publish: (payload) => server.publish(ROOM, TICKS[payload]),
    publishUnion(payload) {
      const tick = TICKS[payload]
      for (const ws of groups.union()) ws.send(tick)
    },
  }
})

function upgrade(http: BunServer<Route>, request: Request, data: Route): Response | undefined {
  return http.upgrade(request, { data }) ? undefined : new Response(null, { status: 400 })
}
