import { MESSAGE_TYPES, RoomcastError } from '@roomcast/protocol'
import type { Server, ServerOptions, Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { connect, errorOf, pair } from '../../../test-kit/clients'
import { RawClient } from '../../../test-kit/raw-client'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'

/** What a client is refused with by a server that is set up like this. */
async function refusedBy(setUp: (io: Server) => void) {
  await using server = await startServer(setUp)
  using client = connect(server.url)
  const [error] = (await next(client, 'connect_error')) as [RoomcastError]
  expect(client.connected).toBe(false)
  expect(server.io.sockets.sockets.size).toBe(0)
  return { error, faults: server.faults }
}

describe('io.use', () => {
  test('middleware runs in order of registration, sync or async, before "connection" is fired', async () => {
    const log: string[] = []
    await using server = await startServer((io) => {
      io.use((_socket, next) => {
        log.push('first')
        next()
      })
      io.use(async (_socket, next) => {
        await null
        log.push('second')
        next()
      })
      io.use((_socket, next) => {
        setImmediate(() => {
          log.push('third')
          next()
        })
      })
      io.on('connection', () => void log.push('connection'))
    })
    using one = await pair(server)
    expect(one.client.connected).toBe(true)
    expect(log).toEqual(['first', 'second', 'third', 'connection'])
  })

  test('what it writes to socket.data the handlers see, and what it registers hears events', async () => {
    await using server = await startServer((io) => {
      io.use((socket, next) => {
        socket.data = { user: socket.handshake.auth.user }
        socket.on('who', () => socket.data.user)
        next()
      })
    })
    using one = await pair(server, { auth: { user: 'Ada' } })
    expect(await one.client.emitWithAck('who')).toBe('Ada')
  })

  test('next(error) refuses with the message and data of the error, and later middleware does not run', async () => {
    let isReached = false
    const { error, faults } = await refusedBy((io) => {
      io.use((_socket, next) => next(Object.assign(new Error('not authorized'), { data: { retryAfter: 5 } })))
      io.use((_socket, next) => {
        isReached = true
        next()
      })
    })
    expect(error).toMatchObject({ code: 'CONNECT_REFUSED', message: 'not authorized', data: { retryAfter: 5 } })
    expect(error).toBeInstanceOf(Error)
    expect(isReached).toBe(false)
    expect(faults, 'a refusal is not a fault').toEqual([])
  })

  test('a RoomcastError refuses with its code, however it is given', async () => {
    const refusal = new RoomcastError('BANNED', 'come back tomorrow', { data: { hours: 24 }, cause: 'secret' })
    for (const setUp of [
      (io: Server) => io.use((_socket, next) => next(refusal)),
      (io: Server) =>
        io.use(() => {
          throw refusal
        }),
      (io: Server) => io.use(async () => Promise.reject(refusal)),
    ]) {
      const { error, faults } = await refusedBy(setUp)
      expect(error).toMatchObject({ code: 'BANNED', message: 'come back tomorrow', data: { hours: 24 } })
      expect(error.cause).toBeUndefined()
      expect(faults).toEqual([])
    }
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('secret text')
      },
    ],
    ['rejects', async () => Promise.reject(new Error('secret text'))],
    ['rejects with what is no Error', async () => Promise.reject('secret text')],
  ])('middleware that %s refuses without the text, and is reported', async (_how, middleware) => {
    const { error, faults } = await refusedBy((io) => io.use(middleware))
    expect(error.code).toBe('CONNECT_REFUSED')
    expect(error.message).not.toContain('secret')
    expect(error.data).toBeUndefined()
    expect(faults).toMatchObject([{ context: { where: 'middleware', name: '/' } }])
  })

  test('a text given to next is the text of the refusal', async () => {
    const { error, faults } = await refusedBy((io) => io.use((_socket, next) => next('not now' as unknown as Error)))
    expect(error).toMatchObject({ code: 'CONNECT_REFUSED', message: 'not now', data: undefined })
    expect(faults).toEqual([])
  })

  test('data that cannot be sent is left out, and reported', async () => {
    const { error, faults } = await refusedBy((io) =>
      io.use((_socket, next) => next(Object.assign(new Error('no'), { data: 10n }))),
    )
    expect(error).toMatchObject({ code: 'CONNECT_REFUSED', message: 'no', data: undefined })
    expect(faults).toHaveLength(1)
  })

  test('only the first call of next counts', async () => {
    const log: string[] = []
    await using server = await startServer((io) => {
      io.use(async (_socket, next) => {
        next()
        next(new Error('too late'))
        next()
        throw new Error('too late, too')
      })
      io.on('connection', () => void log.push('connection'))
    })
    using one = await pair(server)
    expect(await one.client.emitWithAck('nobody').catch((error) => error.code)).toBe('NO_HANDLER')
    expect(log).toEqual(['connection'])
  })

  test('a refused client may try again with other credentials', async () => {
    await using server = await startServer((io) =>
      io.use((socket, next) => next(socket.handshake.auth.token === 'right' ? undefined : new Error('no'))),
    )
    using client = connect(server.url, { auth: { token: 'wrong' } })
    await next(client, 'connect_error')
    client.auth = { token: 'right' }
    client.connect()
    await until(() => client.connected)
  })

  test('a client that leaves while middleware runs is never admitted, whether it ends or not', async () => {
    const waiting: (() => void)[] = []
    const sockets: Socket[] = []
    let connections = 0
    await using server = await startServer((io) => {
      io.use((socket, next) => {
        sockets.push(socket)
        waiting.push(next)
      })
      io.on('connection', () => void connections++)
    })
    for (let i = 1; i <= 2; i++) {
      using raw = await RawClient.open(server.port)
      raw.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/' })
      await until(() => waiting.length === i)
      raw.terminate()
      await until(() => server.io.engine.clientsCount === 0)
    }
    waiting[0]?.()
    expect(server.io.sockets.sockets.size).toBe(0)
    expect(server.io.sockets.adapter.rooms.size).toBe(0)
    expect(sockets.map(({ connected }) => connected)).toEqual([false, false])
    expect(connections).toBe(0)
  })

  test.each([false, true])('a socket that middleware ends with disconnect(%s) is not admitted', async (close) => {
    let connections = 0
    await using server = await startServer((io) => {
      io.use((socket, next) => {
        socket.disconnect(close)
        next()
      })
      io.on('connection', () => void connections++)
    })
    using client = connect(server.url)
    await next(client, 'connect_error')
    expect(server.io.sockets.sockets.size).toBe(0)
    expect(connections).toBe(0)
  })

  test('events that a client sends before it is admitted are answered with NOT_CONNECTED', async () => {
    const waiting: (() => void)[] = []
    await using server = await startServer((io) => io.use((_socket, next) => void waiting.push(next)))
    using raw = await RawClient.open(server.port)
    raw.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/' })
    raw.emit('too early')
    expect((await raw.frame('ERROR')).body).toMatchObject({ code: 'NOT_CONNECTED' })
    waiting[0]?.()
    await raw.frame('CONNECTED')
  })
})

describe('socket.use', () => {
  /** A server whose sockets have this middleware, and echo "echo" and "other". */
  const startWith = (...middleware: Parameters<Socket['use']>[0][]) => start(middleware)

  async function start(middleware: readonly Parameters<Socket['use']>[0][], options: ServerOptions = {}) {
    const errors: Error[] = []
    const server = await startServer((io) => {
      io.on('connection', (socket) => {
        for (const step of middleware) socket.use(step)
        socket.on('error', (error) => void errors.push(error))
        for (const name of ['echo', 'other']) socket.on(name, (...args: unknown[]) => [name, ...args.slice(0, -1)])
      })
    }, options)
    const one = await pair(server)
    return {
      ...one,
      server,
      errors,
      async [Symbol.asyncDispose]() {
        one[Symbol.dispose]()
        await server[Symbol.asyncDispose]()
      },
    }
  }

  test('sees the name and arguments of each event, in order of registration', async () => {
    const log: unknown[] = []
    await using it = await startWith(
      ([event, ...args], next) => {
        log.push(['first', event, args.slice(0, 2)])
        next()
      },
      (_event, next) => {
        log.push('second')
        setImmediate(next)
      },
    )
    expect(await it.client.emitWithAck('echo', 1, 'x')).toEqual(['echo', 1, 'x'])
    expect(log).toEqual([['first', 'echo', [1, 'x']], 'second'])
  })

  test('may change the arguments and the event in place', async () => {
    await using it = await startWith(async (event, next) => {
      await null
      event[1] = Number(event[1]) * 2
      if (event[1] > 10) event[0] = 'other'
      next()
    })
    expect(await it.client.emitWithAck('echo', 1)).toEqual(['echo', 2])
    expect(await it.client.emitWithAck('echo', 10)).toEqual(['other', 20])
  })

  test('next(error) keeps the event from its handlers, answers the caller and fires "error"', async () => {
    await using it = await startWith(([event], next) =>
      next(event === 'echo' ? Object.assign(new Error('forbidden'), { data: { role: 'guest' } }) : undefined),
    )
    const error = await errorOf(it.client.emitWithAck('echo'))
    expect(error).toMatchObject({ code: 'EVENT_REFUSED', message: 'forbidden', data: { role: 'guest' } })
    it.client.emit('echo')
    expect(await it.client.emitWithAck('other', 1)).toEqual(['other', 1])
    await until(() => it.errors.length === 2)
    expect(it.errors.map(({ message }) => message)).toEqual(['forbidden', 'forbidden'])
    expect(it.server.faults).toEqual([])
  })

  test('a RoomcastError refuses with its code', async () => {
    await using it = await startWith((_event, next) => next(new RoomcastError('SLOW_DOWN', 'too fast', { data: 3 })))
    expect(await errorOf(it.client.emitWithAck('echo'))).toMatchObject({
      code: 'SLOW_DOWN',
      message: 'too fast',
      data: 3,
    })
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('secret text')
      },
    ],
    ['rejects', async () => Promise.reject(new Error('secret text'))],
  ])('middleware that %s refuses without the text, and is reported', async (_how, middleware) => {
    await using it = await startWith(middleware)
    const error = await errorOf(it.client.emitWithAck('echo'))
    expect(error.code).toBe('HANDLER_FAILED')
    expect(error.message).not.toContain('secret')
    expect(it.server.faults).toHaveLength(1)
    expect(it.client.connected).toBe(true)
  })

  test.each([
    ['a text', 'no'],
    ['an object without a message', {}],
    ['a number', 5],
  ])('%s given to next refuses like an error, and the link stays', async (_what, given) => {
    await using it = await startWith(([event], next) => next(event === 'echo' ? (given as never) : undefined))
    expect((await errorOf(it.client.timeout(5_000).emitWithAck('echo'))).code).toBe('EVENT_REFUSED')
    expect(await it.client.emitWithAck('other')).toEqual(['other'])
  })

  test('an event whose middleware never ends never reaches its handlers, and later ones do when its time is over', async () => {
    const onlyOther: Parameters<Socket['use']>[0] = ([event], next) => {
      if (event === 'other') next()
    }
    await using it = await start([onlyOther], { handlerTimeout: 50 })
    it.client.emit('echo')
    expect((await errorOf(it.client.timeout(20).emitWithAck('echo'))).code).toBe('ACK_TIMEOUT')
    expect(await it.client.emitWithAck('other')).toEqual(['other'])
    expect(it.server.faults.map(({ error }) => (error as RoomcastError).code)).toEqual(Array(2).fill('HANDLER_TIMEOUT'))
  })

  test('an event that passes after the socket has left reaches no handler', async () => {
    const waiting: (() => void)[] = []
    let isHandled = false
    await using it = await startWith((_event, next) => void waiting.push(next))
    it.socket.on('late', () => {
      isHandled = true
    })
    it.client.emit('late')
    await until(() => waiting.length === 1)
    const gone = next(it.socket, 'disconnect')
    it.client.disconnect()
    await gone
    waiting[0]?.()
    expect(isHandled).toBe(false)
  })

  test('outgoing events and the middleware of other sockets are not concerned', async () => {
    await using it = await startWith((_event, next) => next(new Error('no')))
    it.socket.emit('out', 1)
    it.server.io.emit('all', 2)
    await until(() => it.received.length === 2)
    expect(it.received).toEqual([
      ['out', 1],
      ['all', 2],
    ])
  })
})
