import type { Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { RawClient } from '../../../test-kit/raw-client'
import { RawSession } from '../../../test-kit/raw-room'
import { until } from '../../../test-kit/wait'
import { connect, faultsOf, heard, partsOf, settled, socketOf, startResumable } from './resume-support'

/** A step that waits until the test lets it go on. */
function gate() {
  const waiting: (() => void)[] = []
  return { waiting, step: () => new Promise<void>((resolve) => waiting.push(resolve)) }
}

describe('while the old link is open still', () => {
  test('it is closed with 4013, and what it sends afterwards does nothing', async () => {
    const said: unknown[] = []
    await using server = await startResumable((io) =>
      io.on('connection', (socket) => void socket.on('say', (text: unknown) => void said.push(text))),
    )
    const old = await connect(server)
    const reasons: unknown[] = []
    socketOf(server, old).on('disconnect', (reason, details) => void reasons.push(reason, details?.code))
    const next = await old.resume(server.port)
    expect(next.session).toMatchObject({ resumed: true, recovered: true })
    expect(next.sid).toBe(old.sid)
    expect(await old.client.close()).toMatchObject({ code: 4013 })
    expect(reasons).toEqual(['forced server close', 4013])
    await old.emit('say', 'old')
    await next.emit('say', 'new')
    await settled(next)
    expect(said).toEqual(['new'])
    expect(server.io.sockets.sockets.size).toBe(1)
    expect(partsOf(server).sessions?.size).toBe(0)
  })

  test('its namespace is ended with that code if the connection has another one', async () => {
    const said: unknown[] = []
    await using server = await startResumable((io) => {
      io.of('/other').on('connection', () => {})
      io.on('connection', (socket) => void socket.on('say', (text: unknown) => void said.push(text)))
    })
    const link = await RawClient.open(server.port)
    const main = await RawSession.over(link)
    const other = await RawSession.over(link, { nsp: '/other' })
    const next = await main.resume(server.port)
    const end = await link.frame('DISCONNECT')
    expect(end).toMatchObject({ namespace: 0, body: { code: 4013 } })
    await main.emit('say', 'old')
    server.io.of('/other').emit('still')
    await until(() => heard(other).includes('still()'), 'the other namespace')
    expect(link.closed).toBeNull()
    expect(said).toEqual([])
    expect(next.session).toMatchObject({ resumed: true, recovered: true })
  })

  test('what a disconnect listener of the old socket sends reaches the new one', async () => {
    await using server = await startResumable((io) =>
      io.on('connection', (socket) => {
        socket.join('room')
        socket.on('disconnect', () => {
          io.emit('left', 'everybody')
          io.to('room').emit('left', 'room')
          io.to(socket.id).emit('left', 'id')
        })
      }),
    )
    const old = await connect(server)
    const next = await old.resume(server.port)
    await settled(next)
    expect(heard(next)).toEqual(['left(everybody)', 'left(room)', 'left(id)'])
    server.io.emit('behind')
    await until(() => heard(next).includes('behind()'), 'the last')
    expect(faultsOf(next)).toEqual([])
  })

  test('what is sent to its id in the turn of the resume is not lost', async () => {
    await using server = await startResumable((io) =>
      io.use((socket, pass) => {
        io.to(socket.id).emit('say', 'to the id')
        io.emit('say', 'to everybody')
        pass()
      }),
    )
    const old = await connect(server)
    old.client.pause()
    const next = await old.resume(server.port)
    await settled(next)
    expect(next.session).toMatchObject({ resumed: true, recovered: true })
    expect(heard(next)).toEqual(['say(to the id)', 'say(to everybody)'])
    expect(faultsOf(next)).toEqual([])
  })

  test('a room that the old socket leaves while the middleware runs is not joined by the new one', async () => {
    const { waiting, step } = gate()
    let isSlow = false
    await using server = await startResumable((io) => {
      io.use((_socket, pass) => void (isSlow ? step().then(() => pass()) : pass()))
      io.on('connection', (socket) => void (isSlow || socket.join(['kept', 'kicked'])))
    })
    const old = await connect(server)
    isSlow = true
    const coming = old.resume(server.port)
    await until(() => waiting.length === 1, 'the middleware')
    server.io.in(old.sid).socketsLeave('kicked')
    socketOf(server, old).join('new')
    waiting[0]?.()
    const next = await coming
    expect(socketOf(server, next).rooms).toEqual(new Set([old.sid, 'kept', 'new']))
    server.io.to('kicked').emit('say', 'secret')
    await settled(next)
    expect(heard(next)).toEqual([])
  })

  test('so it is when the old link is lost meanwhile, and the room is left behind it', async () => {
    const { waiting, step } = gate()
    let isSlow = false
    await using server = await startResumable((io) => {
      io.use((_socket, pass) => void (isSlow ? step().then(() => pass()) : pass()))
      io.on('connection', (socket) => void (isSlow || socket.join(['kept', 'kicked'])))
    })
    const old = await connect(server)
    isSlow = true
    const coming = old.resume(server.port)
    await until(() => waiting.length === 1, 'the middleware')
    old.client.terminate()
    await until(() => server.io.sockets.sockets.size === 0, 'the link to be lost')
    server.io.in('kept').socketsLeave('kicked')
    waiting[0]?.()
    const next = await coming
    expect(socketOf(server, next).rooms).toEqual(new Set([old.sid, 'kept']))
  })

  test('a socket that is ended on purpose while the middleware runs is not resumed', async () => {
    const { waiting, step } = gate()
    let isSlow = false
    await using server = await startResumable((io) =>
      io.use((_socket, pass) => void (isSlow ? step().then(() => pass()) : pass())),
    )
    const old = await connect(server)
    isSlow = true
    const coming = old.resume(server.port)
    await until(() => waiting.length === 1, 'the middleware')
    socketOf(server, old).disconnect()
    waiting[0]?.()
    await expect(coming).rejects.toMatchObject({ code: 'CONNECT_REFUSED' })
    isSlow = false
    const anew = await old.resume(server.port)
    expect(anew.session?.resumed).toBe(false)
    expect(partsOf(server).sessions?.size).toBe(0)
  })

  test('what comes while the middleware runs goes to the old link, and again to the new one', async () => {
    const { waiting, step } = gate()
    let isSlow = false
    await using server = await startResumable((io) => {
      io.use((_socket, pass) => void (isSlow ? step().then(() => pass()) : pass()))
      io.on('connection', (socket) => void socket.join('room'))
    })
    const old = await connect(server)
    isSlow = true
    const coming = old.resume(server.port)
    await until(() => waiting.length === 1, 'the middleware')
    server.io.to('room').emit('say', 1)
    ;(socketOf(server, old) as Socket).emit('say', 2)
    server.io.emit('say', 3)
    await settled(old)
    waiting[0]?.()
    const next = await coming
    await settled(next)
    expect(heard(old)).toEqual(['say(1)', 'say(2)', 'say(3)'])
    expect(heard(next)).toEqual(heard(old))
    expect(next.session?.recovered).toBe(true)
  })

  test('fifty at once with one secret: one has the session, and no two live sockets share an id', async () => {
    let isSlow = false
    await using server = await startResumable((io) =>
      io.use((_socket, pass) => void (isSlow ? setTimeout(pass, Math.random() * 20) : pass())),
    )
    const old = await connect(server)
    isSlow = true
    const all = await Promise.all(Array.from({ length: 50 }, () => old.resume(server.port)))
    await Promise.all(all.map(settled))
    const open = all.filter(({ client }) => client.closed === null)
    expect(open.filter(({ sid }) => sid === old.sid)).toHaveLength(1)
    expect(new Set(open.map(({ sid }) => sid)).size).toBe(open.length)
    expect(server.io.sockets.sockets.size).toBe(open.length)
    for (const each of all) each[Symbol.dispose]()
  })

  test('two with the secrets of before and of now: one has the session in the end', async () => {
    let isSlow = false
    await using server = await startResumable((io) =>
      io.use((_socket, pass) => void (isSlow ? setTimeout(pass, Math.random() * 20) : pass())),
    )
    for (let round = 0; round < 10; round++) {
      isSlow = false
      const first = await connect(server)
      const second = await first.resume(server.port)
      isSlow = true
      const results = await Promise.allSettled([first.resume(server.port), second.resume(server.port)])
      const resumed = results.filter((each) => each.status === 'fulfilled').map(({ value }) => value)
      const live = resumed.filter(({ sid }) => sid === first.sid)
      await Promise.all(resumed.map(settled))
      expect(live.filter(({ client }) => client.closed === null)).toHaveLength(1)
      expect([...server.io.sockets.sockets.keys()].filter((id) => id === first.sid)).toHaveLength(1)
      for (const { client } of resumed) client.terminate()
      await until(() => server.io.sockets.sockets.size === 0, 'all to be gone')
    }
  })
})
