import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { ROLE_PATHS } from '../load/dialects/raw'
import { Groups } from './raw/groups'
import { TICKS, tickWith } from './raw/ticks'
import { WsPresence } from './raw/ws-presence'
import { serve } from './serve'

/*
 * The `ws` package with nothing on top: the room is the server's own set of clients, and a tick is a loop
 * over it, as in the package's README.
 */

const MAX_PAYLOAD_BYTES = 1_048_576

await serve(async (features) => {
  const groups = new Groups<WebSocket>()
  const paused = new Set<WebSocket>()
  const presence = features.has('presence') ? new WsPresence() : undefined
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: MAX_PAYLOAD_BYTES })
  server.on('connection', (ws, request) => {
    const { url = '/' } = request
    if (presence?.add(ws, url)) return
    if (url === ROLE_PATHS.speaker) {
      ws.on('message', (message, isBinary) => {
        for (const client of server.clients) if (client !== ws) client.send(message, { binary: isBinary })
      })
      return
    }
    if (url.startsWith(ROLE_PATHS.grouped)) {
      groups.join(ws, Number(new URLSearchParams(url.slice(url.indexOf('?'))).get('n')))
      ws.on('close', () => groups.leave(ws))
    }
    if (url.startsWith(ROLE_PATHS.paused)) {
      paused.add(ws)
      ws.on('close', () => paused.delete(ws))
    }
    ws.on('message', (message, isBinary) => ws.send(message, { binary: isBinary }))
  })
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    members: () => server.clients.size,
    publish(payload) {
      const tick = TICKS[payload]
      for (const client of server.clients) client.send(tick)
    },
    publishUnion(payload) {
      const tick = TICKS[payload]
      for (const client of groups.union()) client.send(tick)
    },
    publishPaused(bytes) {
      const tick = tickWith(bytes)
      for (const client of paused) client.send(tick)
    },
    pausedMembers: () => paused.size,
  }
})
