import { LIMITS, MESSAGE_TYPES, RoomcastError } from '@roomcast/protocol'
import type { Login, Server, Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { RawClient } from '../../../test-kit/raw-client'
import { until } from '../../../test-kit/wait'
import { askWith, connect, cut, heard, partsOf, settled, socketOf, startResumable } from './resume-support'

/** Notes the sockets that come and go. */
function noting(log: unknown[], sockets: Socket[]) {
  return (io: Server) =>
    io.on('connection', (socket) => {
      sockets.push(socket)
      log.push(['connection', socket.id, socket.recovered])
      socket.on('disconnect', (reason) => void log.push(['disconnect', socket.id, reason]))
    })
}

describe('as in Socket.IO', () => {
  test('disconnect is fired, and then connection with another socket of the same id', async () => {
    const log: unknown[] = []
    const sockets: Socket[] = []
    await using server = await startResumable(noting(log, sockets))
    const first = await connect(server)
    await cut(server, first)
    const next = await first.resume(server.port)
    expect(log).toEqual([
      ['connection', first.sid, false],
      ['disconnect', first.sid, 'transport close'],
      ['connection', next.sid, true],
    ])
    expect(next.sid).toBe(first.sid)
    expect(sockets[0]).not.toBe(sockets[1])
  })

  test('data and rooms are those of before; data is a copy', async () => {
    const sockets: Socket[] = []
    await using server = await startResumable((io) => {
      noting([], sockets)(io)
      io.on('connection', (socket) => {
        if (socket.recovered) return
        socket.join(['a', 'b'])
        socket.data = { name: 'Ada', at: new Date(5), list: [1], bytes: new Uint8Array([1, 2]) }
      })
    })
    const first = await connect(server)
    await cut(server, first)
    const [old] = sockets as [Socket]
    old.data.list.push(2)
    const next = await first.resume(server.port)
    const socket = socketOf(server, next)
    expect(socket.data).toEqual({ name: 'Ada', at: new Date(5), list: [1], bytes: new Uint8Array([1, 2]) })
    expect(socket.rooms).toEqual(new Set([first.sid, 'a', 'b']))
  })

  test.each([
    ['cannot be sent', { map: new Map() }],
    ['is too large', 'x'.repeat(LIMITS.sessionDataBytes)],
  ])('data that %s is reported, and the session is not kept', async (_why, data) => {
    await using server = await startResumable()
    const first = await connect(server)
    const other = await connect(server)
    socketOf(server, first).data = data
    await cut(server, first)
    expect(server.faults).toEqual([
      {
        error: expect.objectContaining({ code: 'NOT_ENCODABLE' }),
        context: { where: 'session', name: 'socket.data', socketId: first.sid },
      },
    ])
    const next = await first.resume(server.port)
    expect(next.session).toMatchObject({ resumed: false, recovered: false })
    expect(next.sid).not.toBe(first.sid)
    expect(socketOf(server, next).recovered).toBe(false)
    server.io.emit('say', 1)
    await settled(other)
    expect(heard(other)).toEqual(['say(1)'])
  })

  test('handlers are given nothing but what was sent', async () => {
    const seen: unknown[][] = []
    await using server = await startResumable((io) =>
      io.on('connection', (socket) => {
        socket.onAny((...args: unknown[]) => void seen.push(args))
        socket.onAnyOutgoing((...args: unknown[]) => void seen.push(args))
      }),
    )
    const first = await connect(server)
    await cut(server, first)
    server.io.to(first.sid).emit('out', 1)
    const next = await first.resume(server.port)
    await next.emit('in', { a: 1 })
    await settled(next)
    socketOf(server, next).emit('out', 2)
    await settled(next)
    expect(seen).toEqual([
      ['in', { a: 1 }],
      ['out', 2],
    ])
    const bodies = next.client.frames.filter(({ type }) => type === 'EVENT').map(({ body }) => body)
    expect(bodies).toEqual([[1], [2]])
  })
})

describe('middleware', () => {
  test('runs again, and sees id and data; a refusal makes the secret good again', async () => {
    const seen: unknown[] = []
    let refuses = false
    await using server = await startResumable((io) => {
      io.use((socket, next) => {
        seen.push([socket.id, socket.data.name])
        next(refuses ? new RoomcastError('NOT_NOW', 'not now') : undefined)
      })
      io.on('connection', (socket) => void Object.assign(socket.data, { name: 'Ada' }))
    })
    const first = await connect(server)
    await cut(server, first)
    refuses = true
    for (let i = 0; i < 3; i++) await expect(first.resume(server.port)).rejects.toMatchObject({ code: 'NOT_NOW' })
    refuses = false
    server.io.to(first.sid).emit('say', 1)
    const next = await first.resume(server.port)
    await settled(next)
    expect(seen.slice(1)).toEqual(Array.from({ length: 4 }, () => [first.sid, 'Ada']))
    expect(heard(next)).toEqual(['say(1)'])
    expect(next.session?.recovered).toBe(true)
  })

  test('is passed by with skipMiddlewares, but for new sockets', async () => {
    let runs = 0
    await using server = await startResumable((io) => io.use((_socket, next) => next(void runs++)), {
      connectionStateRecovery: { skipMiddlewares: true },
    })
    const first = await connect(server)
    await cut(server, first)
    const next = await first.resume(server.port)
    expect(next.session?.recovered).toBe(true)
    expect(runs).toBe(1)
    const anew = await next.resume(server.port, { secret: 'guessed' })
    expect([anew.session?.resumed, runs]).toEqual([false, 2])
  })

  test('a link that is lost in its middle leaves the secret good', async () => {
    const waiting: (() => void)[] = []
    let isSlow = false
    await using server = await startResumable((io) => io.use((_s, next) => void (isSlow ? waiting.push(next) : next())))
    const first = await connect(server)
    await cut(server, first)
    isSlow = true
    const lost = await RawClient.open(server.port)
    lost.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/', client: first.clientSecret, resume: first.resumeBody() })
    await until(() => waiting.length === 1, 'the middleware')
    expect(server.io.engine.clientsCount).toBe(1)
    lost.terminate()
    await until(() => server.io.engine.clientsCount === 0, 'the link to be lost')
    waiting[0]?.()
    isSlow = false
    server.io.to(first.sid).emit('say', 1)
    const next = await first.resume(server.port)
    await settled(next)
    expect(next.session).toMatchObject({ resumed: true, recovered: true })
    expect(heard(next)).toEqual(['say(1)'])
  })
})

/** A login that does what the credentials say. */
const login: Login = ({ id, fails }) => {
  if (fails !== undefined) throw new RoomcastError(fails, 'no')
  return { id }
}

describe('login', () => {
  const options = { login, allowAnonymous: true }

  test('is asked again: another user gets nothing, and the session is void', async () => {
    await using server = await startResumable(() => {}, options)
    const first = await connect(server, { auth: { id: 'ada' } })
    await cut(server, first)
    server.io.toUser('ada').emit('say', 'secret')
    const body = { client: first.clientSecret, resume: first.resumeBody() }
    const stolen = await askWith(server.port, { ...body, auth: { id: 'eve' } })
    expect(stolen.frame.body).toMatchObject({ session: { resumed: false }, user: { id: 'eve' } })
    expect((stolen.frame.body as { sid: string }).sid).not.toBe(first.sid)
    const late = await first.resume(server.port)
    expect(late.session?.resumed).toBe(false)
    expect(partsOf(server).sessions?.size).toBe(0)
    expect(stolen.client.frames.filter(({ type }) => type === 'EVENT')).toEqual([])
  })

  test('another user on a half open link voids the session, and leaves the socket of before alone', async () => {
    await using server = await startResumable(() => {}, options)
    const first = await connect(server, { auth: { id: 'ada' } })
    const body = { client: first.clientSecret, resume: first.resumeBody() }
    const stolen = await askWith(server.port, { ...body, auth: { id: 'eve' } })
    expect(stolen.frame.body).toMatchObject({ session: { resumed: false } })
    server.io.to(first.sid).emit('say', 1)
    await settled(first)
    expect(heard(first)).toEqual(['say(1)'])
    expect(faultless(first)).toBe(true)
  })

  test('an anonymous session is not for a user, nor the other way round', async () => {
    await using server = await startResumable(() => {}, options)
    const nobody = await connect(server)
    await cut(server, nobody)
    const asAda = await askWith(server.port, {
      client: nobody.clientSecret,
      resume: nobody.resumeBody(),
      auth: { id: 'ada' },
    })
    expect(asAda.frame.body).toMatchObject({ session: { resumed: false } })
    const ada = await connect(server, { auth: { id: 'ada' } })
    await cut(server, ada)
    const asNobody = await askWith(server.port, { client: ada.clientSecret, resume: ada.resumeBody() })
    expect(asNobody.frame.body).toMatchObject({ session: { resumed: false } })
  })

  test('one who has logged in since goes on as that user', async () => {
    await using server = await startResumable(() => {}, options)
    const first = await connect(server)
    await first.request('login', { id: 'ada' })
    await cut(server, first)
    server.io.toUser('ada').emit('say', 1)
    const { client, frame } = await askWith(server.port, {
      client: first.clientSecret,
      resume: first.resumeBody(),
      auth: { id: 'ada' },
    })
    expect(frame.body).toMatchObject({ session: { resumed: true, recovered: true }, user: { id: 'ada' } })
    await until(() => client.frames.some(({ event }) => event === 'say'), 'the message')
  })

  test('one who has logged out has no session any more, and sends and receives on', async () => {
    await using server = await startResumable(() => {}, options)
    const first = await connect(server, { auth: { id: 'ada' } })
    server.io.to(first.sid).emit('say', 1)
    await first.request('logout')
    server.io.to(first.sid).emit('say', 2)
    await settled(first)
    expect(heard(first)).toEqual(['say(1)', 'say(2)'])
    await cut(server, first)
    const { frame } = await askWith(server.port, { client: first.clientSecret, resume: first.resumeBody() })
    expect(frame.body).toMatchObject({ session: { resumed: false } })
    expect(partsOf(server).sessions?.size).toBe(0)
  })

  test.each(['LOGIN_REFUSED', 'LOGIN_BUSY', 'LOGIN_TIMEOUT'])('a refusal with %s keeps the session', async (code) => {
    let fails: string | undefined
    await using server = await startResumable(() => {}, { login: ({ id }) => login({ id, fails }, {} as never) })
    const first = await connect(server, { auth: { id: 'ada' } })
    await cut(server, first)
    fails = code
    await expect(first.resume(server.port)).rejects.toMatchObject({ code })
    fails = undefined
    server.io.toUser('ada').emit('say', 1)
    const next = await first.resume(server.port)
    await settled(next)
    expect(next.session).toMatchObject({ resumed: true, recovered: true })
    expect(heard(next)).toEqual(['say(1)'])
  })

  test('a user who may have one connection comes back while the old one is open', async () => {
    await using server = await startResumable(() => {}, { ...options, sessions: 'single' })
    const first = await connect(server, { auth: { id: 'ada' } })
    const next = await first.resume(server.port)
    expect(next.session).toMatchObject({ resumed: true, recovered: true })
    expect((await first.client.close()).code).toBe(4013)
    await expect(connect(server, { auth: { id: 'ada' } })).rejects.toMatchObject({ code: 'USER_SESSION_LIMIT' })
  })

  test('a user with one connection, who has come from elsewhere meanwhile, may come back later', async () => {
    await using server = await startResumable(() => {}, { ...options, sessions: 'single' })
    const first = await connect(server, { auth: { id: 'ada' } })
    await cut(server, first)
    const elsewhere = await connect(server, { auth: { id: 'ada' } })
    await expect(first.resume(server.port)).rejects.toMatchObject({ code: 'USER_SESSION_LIMIT' })
    await cut(server, elsewhere)
    expect((await first.resume(server.port)).session).toMatchObject({ resumed: true, recovered: true })
  })

  test('with the policy replace who comes back takes the place of all others', async () => {
    await using server = await startResumable(() => {}, { ...options, sessions: 'replace' })
    const first = await connect(server, { auth: { id: 'ada' } })
    await cut(server, first)
    const elsewhere = await connect(server, { auth: { id: 'ada' } })
    const next = await first.resume(server.port)
    expect(next.session?.recovered).toBe(true)
    expect((await elsewhere.client.close()).code).toBe(4013)
    expect([...server.io.sockets.sockets.keys()]).toEqual([first.sid])
    expect((await elsewhere.resume(server.port)).session?.resumed).toBe(false)
  })
})

function faultless({ client }: { client: RawClient }): boolean {
  return client.closed === null
}
