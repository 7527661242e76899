import { describe, expect, test } from 'vitest'
import { RawPoller } from '../../../test-kit/raw-poller'
import { RawSession } from '../../../test-kit/raw-room'
import { until } from '../../../test-kit/wait'
import { connect, cut, faultsOf, heard, lose, settled, socketOf, startResumable } from './resume-support'

/** A server that puts everybody into `room`. */
function oneRoom(options = {}) {
  return startResumable(
    (io) => io.on('connection', (socket) => void (socket.recovered || socket.join('room'))),
    options,
  )
}

describe('a session goes on', () => {
  test('when nothing was ever sent', async () => {
    await using server = await startResumable()
    const first = await connect(server)
    expect(first.session).toMatchObject({ resumed: false, recovered: false, own: 0 })
    await cut(server, first)
    const next = await first.resume(server.port)
    expect(next.session).toMatchObject({ resumed: true, recovered: true, own: 0 })
    expect(next.sid).toBe(first.sid)
    expect(next.session?.secret).not.toBe(first.session?.secret)
    expect(faultsOf(next)).toEqual([])
    const socket = socketOf(server, next)
    expect([socket.id, socket.recovered, socket.rooms]).toEqual([first.sid, true, new Set([first.sid])])
  })

  test('without volatile events, which nobody misses', async () => {
    await using server = await oneRoom()
    const first = await connect(server)
    server.io.volatile.emit('flash', 1)
    await until(() => heard(first).length === 1, 'the volatile event')
    await cut(server, first)
    server.io.volatile.emit('flash', 2)
    server.io.to('room').volatile.emit('flash', 3)
    server.io.to(first.sid).volatile.emit('flash', 4)
    server.io.to('room').emit('say', 5)
    const next = await first.resume(server.port)
    await settled(next)
    expect(next.session?.recovered).toBe(true)
    expect(heard(next)).toEqual(['say(5)'])
    expect(faultsOf(next)).toEqual([])
  })

  test('five times in a row, each time with messages that were missed', async () => {
    await using server = await oneRoom()
    let session = await connect(server)
    const got: string[] = []
    const sent: string[] = []
    for (let round = 0; round < 5; round++) {
      await cut(server, session)
      for (const way of ['room', session.sid]) {
        server.io.to(way).emit('say', `${round}-${way}`)
        sent.push(`say(${round}-${way})`)
      }
      server.io.emit('say', round)
      sent.push(`say(${round})`)
      session = await session.resume(server.port)
      socketOf(server, session).emit('say', `live ${round}`)
      sent.push(`say(live ${round})`)
      await settled(session)
      got.push(...heard(session))
      expect(session.session?.recovered).toBe(true)
      if (round % 2 === 0) await session.sync(undefined, true)
    }
    expect(got).toEqual(sent)
    expect(faultsOf(session)).toEqual([])
  })

  test('over polling, and back over a WebSocket', async () => {
    await using server = await oneRoom()
    const first = await connect(server)
    await cut(server, first)
    server.io.to('room').emit('say', 1)
    using poller = await RawPoller.open(server.port)
    const second = await first.resumeOver(poller.start())
    await until(() => heard(second).length === 1, 'the message')
    expect(second.session).toMatchObject({ resumed: true, recovered: true })
    server.io.to(first.sid).emit('say', 2)
    await until(() => heard(second).length === 2, 'the message')
    const third = await second.resume(server.port)
    server.io.to('room').emit('say', 3)
    server.io.to(first.sid).emit('say', 4)
    await settled(third)
    expect(heard(third)).toEqual(['say(3)', 'say(4)'])
    expect(third.session).toMatchObject({ resumed: true, recovered: true })
    expect(faultsOf(third)).toEqual([])
    expect((await until(() => poller.ended, 'the end of the old link'))?.text).toBeTruthy()
  })

  test('over polling, with frames that the client has not acknowledged', async () => {
    await using server = await oneRoom()
    using poller = await RawPoller.open(server.port)
    const first = await RawSession.over(poller.start())
    server.io.to('room').emit('say', 1)
    await until(() => heard(first).length === 1, 'the message')
    poller.pause()
    server.io.to('room').emit('say', 2)
    server.io.to(first.sid).emit('say', 3)
    const next = await first.resume(server.port)
    await settled(next)
    expect(faultsOf(next)).toEqual([])
    expect(next.session?.recovered).toBe(true)
  })
})

describe('rooms that change just before the cut', () => {
  test('one that was joined is told of, with everything since', async () => {
    await using server = await startResumable()
    const first = await connect(server)
    await lose(server, first, () => {
      server.io.to('late').emit('say', 'too early')
      socketOf(server, first).join('late')
      server.io.to('late').emit('say', 1)
    })
    server.io.to('late').emit('say', 2)
    const next = await first.resume(server.port)
    await settled(next)
    expect(next.session?.recovered).toBe(true)
    expect(heard(next)).toEqual(['say(1)', 'say(2)'])
    expect(faultsOf(next)).toEqual([])
    expect(next.rooms).toHaveLength(2)
  })

  test('one that was left is told of, behind what came before that', async () => {
    await using server = await oneRoom()
    const first = await connect(server)
    const number = [...first.streams.keys()].at(-1) as number
    await lose(server, first, () => {
      server.io.to('room').emit('say', 1)
      socketOf(server, first).leave('room')
      server.io.to('room').emit('say', 'not any more')
    })
    server.io.to('room').emit('say', 'nor now')
    const next = await first.resume(server.port)
    await settled(next)
    expect(next.session?.recovered).toBe(true)
    expect(heard(next)).toEqual(['say(1)'])
    expect(next.notices('left')).toEqual([[number, null]])
    expect(next.streams.has(number)).toBe(false)
    await next.sync(undefined, true)
    const last = await next.resume(server.port)
    expect(last.session).toMatchObject({ resumed: true, recovered: true })
    expect(last.rooms).toHaveLength(1)
  })

  test('one that was left and joined again, of which the client has heard, goes on', async () => {
    await using server = await oneRoom()
    const first = await connect(server)
    const socket = socketOf(server, first)
    socket.leave('room')
    socket.join('room')
    server.io.to('room').emit('say', 1)
    await settled(first)
    await cut(server, first)
    server.io.to('room').emit('say', 2)
    const next = await first.resume(server.port)
    server.io.to('room').emit('say', 3)
    await settled(next)
    expect(next.notices('left'), 'it is in the room').toEqual([])
    expect(heard(next)).toEqual(['say(2)', 'say(3)'])
    expect(faultsOf(next)).toEqual([])
  })

  test('one that was left and joined again, of which the client has not heard, has all of both stays', async () => {
    await using server = await oneRoom()
    const first = await connect(server)
    await lose(server, first, () => {
      const socket = socketOf(server, first)
      server.io.to('room').emit('say', 'first stay')
      socket.leave('room')
      server.io.to('room').emit('say', 'not for it')
      socket.join('room')
      server.io.to('room').emit('say', 'second stay')
    })
    const next = await first.resume(server.port)
    server.io.to('room').emit('say', 'live')
    await settled(next)
    await next.sync(undefined, true)
    const shown = [...next.streams.values(), ...next.ended]
      .flatMap(({ delivered }) => delivered)
      .map(({ args: [text] }) => text)
    expect(new Set(shown)).toEqual(new Set(['first stay', 'second stay', 'live']))
    expect(shown, 'each once').toHaveLength(3)
  })

  test('one that was joined and left at once costs nothing if nothing was sent', async () => {
    await using server = await startResumable()
    const first = await connect(server)
    const socket = socketOf(server, first)
    socket.join('short')
    socket.leave('short')
    await settled(first)
    await cut(server, first)
    const next = await first.resume(server.port)
    expect(next.session).toMatchObject({ resumed: true, recovered: true })
  })

  test('one that is joined while the client is away has everything from then on', async () => {
    await using server = await startResumable()
    const first = await connect(server)
    await cut(server, first)
    server.io.in(first.sid).socketsJoin('fresh')
    server.io.to('fresh').emit('say', 1)
    const next = await first.resume(server.port)
    server.io.to('fresh').emit('say', 2)
    await settled(next)
    expect(socketOf(server, next).rooms).toEqual(new Set([first.sid, 'fresh']))
    const isTold = next.session?.recovered === false
    expect(isTold ? ['say(1)', 'say(2)'] : heard(next)).toEqual(['say(1)', 'say(2)'])
    expect(faultsOf(next)).toEqual([])
  })

  test('one that is left while the client is away shows nothing of later', async () => {
    await using server = await oneRoom()
    const first = await connect(server)
    await cut(server, first)
    server.io.to('room').emit('say', 1)
    server.io.in('room').socketsLeave('room')
    server.io.to('room').emit('say', 'secret')
    const next = await first.resume(server.port)
    await next.sync(undefined, true)
    expect(heard(next)).toEqual(['say(1)'])
    expect(socketOf(server, next).rooms).toEqual(new Set([first.sid]))
  })

  test('one that the client has joined, and that has no positions, is told to be left', async () => {
    await using server = await startResumable((io) => io.rooms('plain', { history: false, authorize: () => true }))
    const first = await connect(server)
    await first.join('plain')
    await cut(server, first)
    server.io.in('plain').socketsLeave('plain')
    const next = await first.resume(server.port)
    await settled(next)
    expect(socketOf(server, next).rooms).toEqual(new Set([first.sid]))
    expect(next.notices('left')).toEqual([[null, 'plain']])
  })
})
