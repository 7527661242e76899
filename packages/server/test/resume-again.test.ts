import { MESSAGE_TYPES } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { RawClient } from '../../../test-kit/raw-client'
import type { RawSession } from '../../../test-kit/raw-room'
import type { TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { connect, cut, heard, lose, memory, partsOf, settled, socketOf, startResumable } from './resume-support'

/** Resumes a session by a CONNECT whose answer never arrives. */
async function resumeUnseen({ io, port }: TestServer, session: RawSession): Promise<void> {
  const lost = await RawClient.open(port)
  const body = { nsp: '/', client: session.clientSecret, resume: session.resumeBody() }
  lost.send({ type: MESSAGE_TYPES.CONNECT }, body)
  await lost.frame('CONNECTED')
  lost.terminate()
  await until(() => !io.sockets.sockets.has(session.sid), 'the link to be lost')
}

describe('a client that CONNECTED did not reach, and that comes again', () => {
  test('gets what it has missed of a room that was left before', async () => {
    await using server = await startResumable((io) =>
      io.on('connection', (socket) => void (socket.recovered || socket.join('room'))),
    )
    const first = await connect(server)
    await lose(server, first, () => {
      server.io.to('room').emit('say', 1)
      socketOf(server, first).leave('room')
    })
    await resumeUnseen(server, first)
    const next = await first.resume(server.port)
    await settled(next)
    const isTold = next.session?.recovered === false
    expect(isTold ? ['say(1)'] : heard(next)).toEqual(['say(1)'])
  })

  test('is told that something is missing of a room that it was in between, and has not heard of', async () => {
    await using server = await startResumable()
    const first = await connect(server)
    await lose(server, first, () => {
      socketOf(server, first).join('room')
      server.io.to('room').emit('say', 1)
      socketOf(server, first).leave('room')
    })
    await resumeUnseen(server, first)
    const next = await first.resume(server.port)
    expect(next.session).toMatchObject({ resumed: true, recovered: false })
  })

  test('gets all that was sent meanwhile, over and over', async () => {
    await using server = await startResumable((io) =>
      io.on('connection', (socket) => void (socket.recovered || socket.join('room'))),
    )
    const first = await connect(server)
    await cut(server, first)
    const sent: string[] = []
    for (let i = 0; i < 5; i++) {
      server.io.to('room').emit('room', i)
      server.io.to(first.sid).emit('own', i)
      server.io.emit('all', i)
      sent.push(`room(${i})`, `own(${i})`, `all(${i})`)
      await resumeUnseen(server, first)
    }
    const next = await first.resume(server.port)
    await settled(next)
    expect(heard(next)).toEqual(sent)
    expect(next.session).toMatchObject({ resumed: true, recovered: true })
  })
})

test('a client whose streams were closed while it was away is told, and gets what everybody is sent from then on', async () => {
  await using server = await startResumable((io) => void io.of('/other'))
  const first = await connect(server)
  await cut(server, first)
  const other = await connect(server, { nsp: '/other' })
  const socket = socketOf(server, other, '/other')
  // More rooms that are idle than are followed on.
  for (let i = 0; i < 10_001; i++) {
    socket.join(`room ${i}`)
    socket.leave(`room ${i}`)
  }
  expect(partsOf(server).streams.get('/\0')).toBeUndefined()
  server.io.emit('say', 'missed')
  const next = await first.resume(server.port)
  expect(next.session).toMatchObject({ resumed: true, recovered: false })
  // Who comes now has the stream opened again.
  await connect(server)
  server.io.emit('say', 'from then on')
  await settled(next)
  await next.repair()
  const shown = [...next.streams.values()].flatMap(({ delivered }) => delivered).map(({ args: [text] }) => text)
  expect(shown).toEqual(['from then on'])
})

test('a call to a room is not replayed', async () => {
  await using server = await startResumable((io) =>
    io.on('connection', (socket) => void (socket.recovered || socket.join('room'))),
  )
  const first = await connect(server)
  await cut(server, first)
  expect(await server.io.to('room').timeout(1_000).emitWithAck('ask')).toEqual([])
  server.io.to('room').emit('say', 1)
  const next = await first.resume(server.port)
  await settled(next)
  expect(heard(next)).toEqual(['say(1)'])
  expect(next.session?.recovered).toBe(true)
})

test('a session whose data cannot be kept any more, when its old link is ended, leaves nothing in the store', async () => {
  const { engine, budget } = memory()
  const waiting: (() => void)[] = []
  let isSlow = false
  await using server = await startResumable(
    (io) => io.use((_socket, next) => void (isSlow ? waiting.push(next) : next())),
    { engine },
  )
  const first = await connect(server)
  // Both secrets are good now.
  const second = await first.resume(server.port)
  server.io.to(second.sid).emit('say', 1)
  isSlow = true
  const coming = second.resume(server.port).catch((error: { code: string }) => error.code)
  await until(() => waiting.length === 1, 'the middleware')
  socketOf(server, second).data = { map: new Map() }
  waiting[0]?.()
  const outcome = await coming
  expect(outcome).toBe('CONNECT_REFUSED')
  expect(server.io.sockets.sockets.size).toBe(0)
  expect(partsOf(server).sessions?.size).toBe(0)
  expect(engine.store.bytes).toBe(0)
  const { live } = partsOf(server).sessions as unknown as { live: ReadonlyMap<string, string> }
  expect(live.size).toBe(0)
  expect(budget.bytes).toBeLessThan(2_000)
})
