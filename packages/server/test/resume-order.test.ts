import { describe, expect, test } from 'vitest'
import { until } from '../../../test-kit/wait'
import { connect, cut, faultsOf, heard, lose, partsOf, settled, socketOf, startResumable } from './resume-support'

const byId = ({ id }: { id: string }) => ({ id })

/** Every way to reach one client, who is ada and in `a` and `b`. */
function sendAll(server: Awaited<ReturnType<typeof startResumable>>, sid: string, round: string): string[] {
  const { io } = server
  const sent: string[] = []
  const say = (emitter: { emit(event: string, text: string): unknown }, name: string) => {
    emitter.emit('say', `${round}${name}`)
    sent.push(`say(${round}${name})`)
  }
  say(io.to('a'), 'room')
  say(io, 'everybody')
  say(io.to(sid), 'id')
  say(io.toUser('ada'), 'user')
  say(io.to(['a', 'b']), 'two rooms')
  say(io.to(['b', 'a']), 'two rooms, the other first')
  say(io.to(sid), 'id again')
  say(io.to('b'), 'other room')
  say(io.except('c'), 'everybody but c')
  // Not for this client.
  io.except('a').emit('say', 'not for a')
  io.except(sid).emit('say', 'not for the id')
  io.exceptUser('ada').emit('say', 'not for ada')
  io.to('a').except('b').emit('say', 'not for b')
  io.to('a').except(sid).emit('say', 'not for the id in a')
  say(io.to('a'), 'the end')
  return sent
}

async function scene() {
  const server = await startResumable((io) => io.on('connection', (socket) => socket.join(['a', 'b'])), {
    login: byId,
    allowAnonymous: true,
  })
  const ada = await connect(server, { auth: { id: 'ada' } })
  const bob = await connect(server, { auth: { id: 'bob' } })
  return { server, ada, bob, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

describe('messages of all kinds come again in the order in which they were sent', () => {
  test('when they are sent while the client is away', async () => {
    await using all = await scene()
    const { server, ada } = all
    await cut(server, ada)
    const sent = sendAll(server, ada.sid, '')
    const next = await ada.resume(server.port)
    await settled(next)
    expect(next.session).toMatchObject({ resumed: true, recovered: true })
    expect(heard(next)).toEqual(sent)
    expect(faultsOf(next)).toEqual([])
  })

  test('when they are sent before the cut and lost on the way', async () => {
    await using all = await scene()
    const { server, ada } = all
    let sent: string[] = []
    await lose(server, ada, () => {
      sent = sendAll(server, ada.sid, '')
      sent = [...sent, ...['direct'].map((text) => `say(${text})`)]
      socketOf(server, ada).emit('say', 'direct')
    })
    const next = await ada.resume(server.port)
    await settled(next)
    expect(next.session).toMatchObject({ resumed: true, recovered: true })
    expect(heard(next)).toEqual(sent)
    expect(faultsOf(next)).toEqual([])
  })

  test('when some are lost, some come while it is away, and others behind', async () => {
    await using all = await scene()
    const { server, ada } = all
    const sent: string[] = []
    await lose(server, ada, () => void sent.push(...sendAll(server, ada.sid, '1 ')))
    sent.push(...sendAll(server, ada.sid, '2 '))
    const next = await ada.resume(server.port)
    sent.push(...sendAll(server, ada.sid, '3 '))
    await settled(next)
    expect(heard(next)).toEqual(sent)
    expect(faultsOf(next)).toEqual([])
  })

  test('when a handler of somebody else has sent them, all in one turn', async () => {
    await using all = await scene()
    const { server, ada, bob } = all
    let sent: string[] = []
    socketOf(server, bob).on('go', () => {
      sent = sendAll(server, ada.sid, '')
    })
    await lose(server, ada, async () => {
      await bob.emit('go')
      await settled(bob)
    })
    const next = await ada.resume(server.port)
    await settled(next)
    expect(heard(next)).toEqual(sent)
    expect(faultsOf(next)).toEqual([])
  })
})

describe('positions of the own stream are in the order of arrival', () => {
  test('when a handler addresses its socket by id and directly in one turn', async () => {
    await using server = await startResumable((io) =>
      io.on('connection', (socket) => {
        socket.on('go', () => {
          socket.emit('say', 1)
          io.to(socket.id).emit('say', 2)
          socket.emit('say', 3)
          io.to(socket.id).emit('say', 4)
        })
      }),
    )
    const session = await connect(server)
    await session.emit('go')
    await until(() => heard(session).length === 4, 'four events')
    expect(heard(session)).toEqual(['say(1)', 'say(2)', 'say(3)', 'say(4)'])
    expect(faultsOf(session)).toEqual([])
    expect(session.own?.received.map(({ position }) => position)).toEqual([1, 2, 3, 4])
  })

  test('when a handler addresses its user and then its socket', async () => {
    const options = { login: byId }
    await using server = await startResumable(
      (io) =>
        io.on('connection', (socket) => {
          socket.on('go', () => {
            io.toUser('ada').emit('say', 1)
            socket.emit('say', 2)
          })
        }),
      options,
    )
    const session = await connect(server, { auth: { id: 'ada' } })
    await session.emit('go')
    await until(() => heard(session).length === 2, 'two events')
    expect(faultsOf(session)).toEqual([])
  })
})

describe('a message is kept once for a client that is away', () => {
  test('when it is addressed by id and as a user', async () => {
    await using all = await scene()
    const { server, ada } = all
    await cut(server, ada)
    server.io.to(ada.sid).toUser('ada').emit('say', 'once')
    server.io.toUser(['ada', 'ada']).emit('say', 'once more')
    const next = await ada.resume(server.port)
    await settled(next)
    expect(heard(next)).toEqual(['say(once)', 'say(once more)'])
  })

  test('when it is addressed by room and id', async () => {
    await using all = await scene()
    const { server, ada } = all
    await cut(server, ada)
    server.io.to(ada.sid).to('a').toUser('ada').emit('say', 'once')
    const next = await ada.resume(server.port)
    await settled(next)
    expect(heard(next)).toEqual(['say(once)'])
  })

  test('when it was lost in two rooms, and one of them was left since', async () => {
    await using all = await scene()
    const { server, ada } = all
    await lose(server, ada, () => {
      server.io.to(['a', 'b']).emit('say', 'once')
      socketOf(server, ada).leave('a')
    })
    const next = await ada.resume(server.port)
    await settled(next)
    expect(heard(next)).toEqual(['say(once)'])
  })
})

describe('who is left out is decided when a message is sent', () => {
  test('a message to two rooms is not lost for who was in one, and has joined the other since', async () => {
    await using all = await scene()
    const { server, ada } = all
    await lose(server, ada, () => {
      server.io.to(['c', 'a']).emit('say', 'for a')
      socketOf(server, ada).join('c')
    })
    server.io.to('c').emit('say', 'for c')
    const next = await ada.resume(server.port)
    await settled(next)
    expect(heard(next)).toEqual(['say(for a)', 'say(for c)'])
  })

  test('a message is not lost for who has joined an excepted room since', async () => {
    await using all = await scene()
    const { server, ada } = all
    await lose(server, ada, () => {
      server.io.to('a').except('quiet').emit('say', 'for a')
      socketOf(server, ada).join('quiet')
    })
    const next = await ada.resume(server.port)
    await settled(next)
    expect(heard(next)).toEqual(['say(for a)'])
  })

  test('a message is not shown to who was in an excepted room, and has left it since', async () => {
    await using all = await scene()
    const { server, ada } = all
    socketOf(server, ada).join('quiet')
    await settled(ada)
    await lose(server, ada, () => {
      server.io.to('a').except('quiet').emit('say', 'not for quiet')
      socketOf(server, ada).leave('quiet')
    })
    const next = await ada.resume(server.port)
    await settled(next)
    expect(heard(next)).toEqual([])
  })
})

describe('a room with the name of a socket', () => {
  test('is heard by others in it when the socket is gone', async () => {
    await using all = await scene()
    const { server, ada, bob } = all
    socketOf(server, bob).join(ada.sid)
    server.io.to(ada.sid).emit('say', 'before')
    await settled(ada)
    await cut(server, ada)
    server.io.to(ada.sid).emit('say', 'while away')
    await settled(bob)
    expect(heard(bob)).toEqual(['say(before)', 'say(while away)'])
    const next = await ada.resume(server.port)
    server.io.to(ada.sid).emit('say', 'behind')
    await settled(next)
    await settled(bob)
    expect(heard(bob)).toEqual(['say(before)', 'say(while away)', 'say(behind)'])
    expect(heard(next)).toEqual(['say(while away)', 'say(behind)'])
  })
})

test('calls are not replayed, and fail with DISCONNECTED', async () => {
  await using all = await scene()
  const { server, ada } = all
  const socket = socketOf(server, ada)
  const failed: unknown[] = []
  await lose(server, ada, () => {
    socket.emitWithAck('ask', 1).catch((error: { code: string }) => void failed.push(error.code))
    socket.emit('say', 'behind')
  })
  await expect(socket.emitWithAck('ask', 2)).rejects.toMatchObject({ code: 'DISCONNECTED' })
  await until(() => failed.length === 1, 'the call to fail')
  expect(failed).toEqual(['DISCONNECTED'])
  expect(await server.io.to(ada.sid).timeout(50).emitWithAck('ask', 3)).toEqual([])
  const next = await ada.resume(server.port)
  await settled(next)
  expect(next.session).toMatchObject({ recovered: true })
  expect(heard(next)).toEqual(['say(behind)'])
  expect(partsOf(server).sessions?.size).toBe(0)
})
