import { io as connect } from '@roomcast/client'
import { Server } from '@roomcast/server'
import { expect, test } from 'vitest'
import { next, until } from '../../../test-kit/wait'

/*
 * A chat written for Socket.IO 4.8, in the shape of its tutorial. Two lines differ from the original:
 *
 *   import { Server } from 'socket.io'            import { Server } from '@roomcast/server'
 *   io.listen(3000)                               await io.listen(0)
 */
async function startTutorialChat(): Promise<Server> {
  const io = new Server({ cors: { origin: 'http://localhost:8080' } })
  const users = new Map<string, string>()

  io.use((socket, next) => {
    if (socket.handshake.auth.token === 'banned') return next(new Error('not authorized'))
    next()
  })

  io.on('connection', (socket) => {
    socket.on('new user', (name, callback) => {
      if ([...users.values()].includes(name)) return callback(false)
      users.set(socket.id, name)
      socket.data.name = name
      callback(true)
      socket.broadcast.emit('user joined', name)
      io.emit('get users', [...users.values()])
    })

    socket.on('join room', (room, callback) => {
      for (const old of socket.rooms) if (old !== socket.id) socket.leave(old)
      socket.join(room)
      callback({ room, members: io.sockets.adapter.rooms.get(room)?.size })
    })

    socket.on('send message', (text) => {
      const [, room] = socket.rooms
      io.to(room ?? socket.id).emit('new message', { from: socket.data.name, text })
    })

    socket.on('typing', () => {
      socket.broadcast.volatile.emit('typing', socket.data.name)
    })

    socket.on('private message', (to, text) => {
      socket.to(to).emit('private message', { from: socket.id, text })
    })

    socket.on('disconnect', (reason) => {
      users.delete(socket.id)
      io.emit('user left', socket.data.name, reason)
      io.emit('get users', [...users.values()])
    })
  })

  await io.listen(0)
  return io
}

test('the chat of the Socket.IO tutorial runs after changing the import and the listen line', async () => {
  const io = await startTutorialChat()
  const ada = connect(io.url)
  const bob = connect(io.url, { forceNew: true })
  const eve = connect(io.url, { forceNew: true, auth: { token: 'banned' } })
  try {
    const [refusal] = (await next(eve, 'connect_error')) as [Error]
    expect(refusal.message).toBe('not authorized')

    const messages: unknown[] = []
    for (const socket of [ada, bob])
      socket.on('new message', (message) => messages.push([socket === ada ? 'ada' : 'bob', message]))

    expect(await ada.emitWithAck('new user', 'Ada')).toBe(true)
    expect(await bob.emitWithAck('new user', 'Ada')).toBe(false)
    const joined = next(ada, 'user joined')
    const list = until(
      () => new Promise((resolve) => ada.once('get users', (users) => resolve(users.length === 2 && users))),
    )
    expect(await bob.timeout(5_000).emitWithAck('new user', 'Bob')).toBe(true)
    expect(await joined).toEqual(['Bob'])
    expect(await list).toEqual(['Ada', 'Bob'])

    expect(await ada.emitWithAck('join room', 'general')).toEqual({ room: 'general', members: 1 })
    expect(await bob.emitWithAck('join room', 'general')).toEqual({ room: 'general', members: 2 })
    ada.emit('send message', 'hello <b>all</b>')
    await until(() => messages.length === 2)
    const message = { from: 'Ada', text: 'hello <b>all</b>' }
    expect(messages.sort()).toEqual([
      ['ada', message],
      ['bob', message],
    ])

    const typing = next(bob, 'typing')
    ada.emit('typing')
    expect(await typing).toEqual(['Ada'])

    const note = next(ada, 'private message')
    bob.emit('private message', ada.id, 'psst')
    expect(await note).toEqual([{ from: bob.id, text: 'psst' }])

    const left = next(ada, 'user left')
    bob.disconnect()
    expect(await left).toEqual(['Bob', 'client namespace disconnect'])
    await until(async () => (await io.fetchSockets()).length === 1)
  } finally {
    for (const socket of [ada, bob, eve]) socket.disconnect()
    await io.close()
  }
})
