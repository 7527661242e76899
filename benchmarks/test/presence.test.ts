import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { MESSAGE_TYPES } from '@roomcast/protocol'
import { afterEach, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { rawPresenceMessage } from '../src/load/dialects/presence/raw'
import { roomcastPresence } from '../src/load/dialects/presence/roomcast'
import { roomcastMessage } from '../src/load/dialects/roomcast'
import { PresenceCrowd } from '../src/load/tasks/presence'
import { JOINED_EVENT, LEFT_EVENT, ROOM } from '../src/payloads'

const closing: (() => void)[] = []

afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** A server as the bare one. @param isHeld  Whether a message about this visitor is withheld from one watcher. */
async function bareServer(isHeld: (event: string, name: string) => boolean, times = 1): Promise<number> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  closing.push(() => server.close())
  await once(server, 'listening')
  const watchers = new Set<import('ws').WebSocket>()
  const tell = (event: typeof JOINED_EVENT | typeof LEFT_EVENT, name: string) => {
    const { payload } = rawPresenceMessage(event, name)
    const [first] = watchers
    for (const watcher of watchers) {
      if (watcher === first && isHeld(event, name)) continue
      for (let i = 0; i < times; i++) watcher.send(payload)
    }
  }
  server.on('connection', (ws, request) => {
    closing.push(() => ws.terminate())
    const url = new URL(request.url ?? '', 'http://localhost')
    const name = url.searchParams.get('name') ?? ''
    tell(JOINED_EVENT, name)
    if (url.pathname === '/watching') watchers.add(ws)
    ws.on('close', () => {
      watchers.delete(ws)
      tell(LEFT_EVENT, name)
    })
  })
  return (server.address() as AddressInfo).port
}

test('each watcher sees each visitor come and go, in every cycle', async () => {
  const crowd = new PresenceCrowd()
  const port = await bareServer(() => false)
  await crowd.watch({ port, dialect: 'raw', count: 7 })
  const { cycles, seen, messages } = await crowd.storm({ visitors: 5, windowMs: 100 })
  expect(cycles).toBeGreaterThan(1)
  expect(seen).toBe(cycles * 2 * 5 * 7)
  expect(messages).toBe(seen)
})

test('a change that comes twice ends the load', async () => {
  const crowd = new PresenceCrowd()
  const port = await bareServer(() => false, 2)
  await crowd.watch({ port, dialect: 'raw', count: 3 })
  await expect(crowd.storm({ visitors: 2, windowMs: 5_000 })).rejects.toThrow(/a watcher saw visitor-\d coming/)
})

test('a change that one watcher does not see ends the load', async () => {
  const crowd = new PresenceCrowd(500)
  const port = await bareServer((event, name) => event === LEFT_EVENT && name === 'visitor-1')
  await crowd.watch({ port, dialect: 'raw', count: 3 })
  await expect(crowd.storm({ visitors: 2, windowMs: 100 })).rejects.toThrow('1 of 6 changes were not seen')
})

test('rows of a notice with a profile came, the others were known', () => {
  const notice = (changed: unknown[], gone: string[]) =>
    roomcastMessage({ type: MESSAGE_TYPES.NOTICE }, ['users', ROOM, 8, 3, changed, gone])
  const rows = [
    ['ada', 1, 5, { name: 'Ada' }],
    ['bob', 2, 6],
  ]
  expect(roomcastPresence.read(notice(rows, ['cyd']))).toEqual({ kind: 'changes', came: ['ada'], gone: ['cyd'] })
})

test('a list goes on where its page ends', () => {
  const page = { mode: 'users', version: 1, count: 2, users: [['ada', 1, 5, {}]], next: 7 }
  const first = roomcastPresence.read(roomcastMessage({ type: MESSAGE_TYPES.ACK, ackId: 0 }, [page]))
  const next = roomcastMessage({ type: MESSAGE_TYPES.REQUEST, ackId: 0 }, ['users', ROOM, 7])
  expect(first).toEqual({ kind: 'list', names: ['ada'], next })
  const last = roomcastMessage({ type: MESSAGE_TYPES.ACK, ackId: 0 }, [[['bob', 1, 6, {}]], null])
  expect(roomcastPresence.read(last)).toEqual({ kind: 'list', names: ['bob'], next: undefined })
})
