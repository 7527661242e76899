import { expect, test } from 'vitest'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import { connect } from './fault-support'

test('without a session and without history, what is sent to a client that is away is lost, and no gap says so', async () => {
  await using server = await startServer((io) => {
    io.rooms('chosen', { authorize: () => true })
    io.on('connection', (socket) => socket.join('given'))
  })
  await using proxy = await FaultProxy.start(server.port)
  using socket = connect(proxy.url, { transports: ['websocket'] })
  const seen: string[] = []
  const told: string[] = []
  socket.on('m', (text: string) => seen.push(text))
  socket.on('gap', () => told.push('gap'))
  await next(socket, 'connect')
  const room = await socket.join('chosen')
  room.on('rejoin', (recovered) => told.push(`rejoin ${recovered}`))
  room.on('gap', () => told.push('gap of the room'))
  const { id: before = '' } = socket
  /** To everything that the client is in, and to its socket. */
  const say = (when: string, id: string) => {
    for (const to of [id, 'given', 'chosen']) server.io.to(to).emit('m', `${when}: ${to === id ? 'own' : to}`)
    server.io.emit('m', `${when}: all`)
  }
  say('first', before)
  await until(() => seen.length === 4, 'the first messages')

  proxy.refuse()
  proxy.cut('reset')
  await until(() => !socket.connected && server.io.sockets.sockets.size === 0, 'both sides to notice')
  say('meanwhile', before)
  const rejoined = next(room, 'rejoin')
  proxy.pass()
  await rejoined
  say('last', socket.id ?? '')
  await until(() => seen.includes('last: all'), 'the last message')

  const expected = ['first', 'last'].flatMap((when) => ['own', 'given', 'chosen', 'all'].map((to) => `${when}: ${to}`))
  expect(seen).toEqual(expected)
  expect(told, 'of the room that it has joined itself it hears that it was away').toEqual(['rejoin false'])
  expect(socket.recovered).toBe(false)
  expect(socket.id).not.toBe(before)
  expect(server.faults).toEqual([])
})
