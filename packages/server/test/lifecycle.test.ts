import { type AddressInfo, createServer } from 'node:net'
import { CLOSE_CODES, LIMITS, MESSAGE_TYPES } from '@roomcast/protocol'
import { Server, type Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { connect, errorOf, pair, pairs } from '../../../test-kit/clients'
import { rawRequest, request } from '../../../test-kit/http'
import { RawClient } from '../../../test-kit/raw-client'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'

/** A server with one raw client whose socket writes down how it ends. */
async function startRaw() {
  const log: unknown[] = []
  const server = await startServer((io) => {
    io.on('connection', (socket) => {
      socket.join('r')
      socket.on('disconnecting', (reason) => void log.push(['disconnecting', reason, [...socket.rooms].slice(1)]))
      socket.on(
        'disconnect',
        (reason, details) => void log.push(['disconnect', reason, socket.rooms.size, details?.code]),
      )
    })
  })
  const client = await RawClient.connect(server.port)
  const [socket] = [...server.io.sockets.sockets.values()] as [Socket]
  return {
    server,
    client,
    socket,
    log,
    /** The reasons and the close code, once the socket has ended. */
    async ending() {
      await until(() => log.length >= 2, 'the end of the socket')
      return log
    },
    async [Symbol.asyncDispose]() {
      client.terminate()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** What the log of {@link startRaw} holds after an end: rooms are still set while disconnecting, and gone after. */
function ended(reason: string, code?: number): unknown[] {
  return [
    ['disconnecting', reason, ['r']],
    ['disconnect', reason, 0, code],
  ]
}

/** A port of the loopback that nobody listens on. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}

describe('reasons of a disconnect', () => {
  test('the client leaves the namespace: "client namespace disconnect"', async () => {
    await using it = await startRaw()
    it.client.send({ type: MESSAGE_TYPES.DISCONNECT }, null)
    expect(await it.ending()).toEqual(ended('client namespace disconnect'))
    expect(it.server.io.engine.clientsCount).toBe(1)
  })

  test('the server ends the namespace: "server namespace disconnect"', async () => {
    await using it = await startRaw()
    expect(it.socket.disconnect()).toBe(it.socket)
    expect(await it.ending()).toEqual(ended('server namespace disconnect'))
    await it.client.frame('DISCONNECT')
    it.socket.disconnect()
    expect(it.log).toHaveLength(2)
    expect(it.server.io.engine.clientsCount).toBe(1)
  })

  test('the server ends the connection: "server namespace disconnect", and KICKED for the client', async () => {
    await using it = await startRaw()
    it.socket.emit('last words')
    it.socket.disconnect(true)
    expect(await it.ending()).toEqual(ended('server namespace disconnect'))
    expect(await it.client.close()).toMatchObject({ code: CLOSE_CODES.KICKED })
    expect(it.client.frames.map(({ type }) => type)).toEqual(['CONNECTED', 'EVENT', 'DISCONNECT'])
    expect(it.server.io.engine.clientsCount).toBe(0)
  })

  test('the link is lost: "transport close" or "transport error"', async () => {
    await using it = await startRaw()
    it.client.terminate()
    const [[, reason]] = (await it.ending()) as [[string, string]]
    expect(['transport close', 'transport error']).toContain(reason)
    expect(it.log).toEqual(ended(reason, CLOSE_CODES.ABNORMAL))
  })

  test('the client closes the link: "transport close" with its code', async () => {
    await using server = await startServer()
    using client = await RawClient.connect(server.port)
    const [socket] = [...server.io.sockets.sockets.values()] as [Socket]
    const gone = next(socket, 'disconnect')
    client.closeWith(CLOSE_CODES.GOING_AWAY, 'bye')
    expect(await gone).toEqual(['transport close', { code: CLOSE_CODES.GOING_AWAY, message: 'bye' }])
  })

  test('the client breaks the protocol: "parse error" with the code that it was closed with', async () => {
    await using it = await startRaw()
    it.client.sendBytes(new Uint8Array(0))
    expect(await it.ending()).toEqual(ended('parse error', CLOSE_CODES.BAD_FRAME))
  })

  test('the server closes: "server shutting down", and SERVER_SHUTDOWN for the client', async () => {
    await using it = await startRaw()
    await it.server.io.close()
    expect(await it.ending()).toEqual(ended('server shutting down'))
    expect(await it.client.close()).toMatchObject({ code: CLOSE_CODES.SERVER_SHUTDOWN })
  })

  test('after "disconnect" no event of the socket comes any more', async () => {
    const log: string[] = []
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.on('disconnect', () => void log.push('disconnect'))
        socket.on('a', () => {
          log.push('a')
          if (log.length === 2) socket.disconnect()
        })
      })
    })
    using client = await RawClient.connect(server.port)
    for (let i = 0; i < 5; i++) client.emit('a')
    await client.frame('DISCONNECT')
    client.emit('a')
    client.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/' })
    await client.frame('CONNECTED')
    expect(log).toEqual(['a', 'a', 'disconnect'])
    expect(client.frames.filter(({ type }) => type === 'ERROR')).toEqual([])
  })

  test('a handler may end its own connection and go on: what follows is dropped, and others are served', async () => {
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.join('r')
        socket.on('a', (ack: (text: string) => void) => {
          socket.disconnect(true)
          ack('too late')
          io.to('r').emit('to the others')
          io.to(socket.id).emit('too late')
          socket.to('r').emit('from the dead')
          socket.leave('r')
          return 'too late'
        })
      })
    })
    using other = await pair(server)
    using client = await RawClient.connect(server.port)
    client.emit('a', [], 1)
    client.emit('a', [], 2)
    expect((await client.close()).code).toBe(CLOSE_CODES.KICKED)
    expect(client.frames.map(({ type }) => type)).toEqual(['CONNECTED', 'DISCONNECT'])
    server.io.emit('end')
    expect(await other.eventsBefore('end')).toEqual(['to the others', 'from the dead'])
    expect(server.faults).toEqual([])
  })

  test('a listener that throws is reported, and the others still run', async () => {
    let isReached = false
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.on('disconnecting', () => {
          throw new Error('first')
        })
        socket.on('disconnect', async () => {
          await null
          throw new Error('second')
        })
        socket.on('disconnect', () => {
          isReached = true
        })
      })
    })
    using one = await pair(server)
    one.client.disconnect()
    await until(() => server.faults.length === 2)
    expect(isReached).toBe(true)
    expect(server.faults.map(({ error }) => (error as Error).message)).toEqual(['first', 'second'])
    expect(server.io.sockets.sockets.size).toBe(0)
  })

  test('a disconnecting listener may still emit to the rooms of its socket', async () => {
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.join('r')
        socket.on('disconnecting', () => {
          for (const room of socket.rooms) if (room !== socket.id) socket.to(room).emit('left', room)
        })
      })
    })
    using all = await pairs(server, 2)
    all[0].client.disconnect()
    await until(() => all[1].received.length > 0)
    expect(all[1].received).toEqual([['left', 'r']])
  })
})

describe('the connection handler', () => {
  test('events wait until an async handler has settled, in their order, and so do calls', async () => {
    const log: unknown[] = []
    let proceed: (() => void) | undefined
    await using server = await startServer((io) => {
      io.on('connection', async (socket) => {
        await new Promise<void>((resolve) => {
          proceed = resolve
        })
        // Registered after an await: the events must not be lost.
        socket.on('a', (n: number) => void log.push(n))
        socket.on('sum', (x: number, y: number) => x + y)
      })
    })
    using client = connect(server.url)
    client.on('connect', () => {
      for (let n = 0; n < 5; n++) client.emit('a', n)
    })
    const call = client.emitWithAck('sum', 2, 3)
    await until(() => proceed && client.connected)
    expect(log).toEqual([])
    proceed?.()
    expect(await call).toBe(5)
    expect(log).toEqual([0, 1, 2, 3, 4])
  })

  test('all handlers are waited for, and one that rejects is reported and holds nothing back', async () => {
    await using server = await startServer((io) => {
      io.on('connection', async () => {
        await null
        throw new Error('in the handler')
      })
      io.on('connection', async (socket) => {
        await new Promise((resolve) => setImmediate(resolve))
        socket.on('a', () => 'answer')
      })
      io.on('connection', () => {
        throw new Error('at once')
      })
    })
    using client = connect(server.url)
    expect(await client.emitWithAck('a')).toBe('answer')
    expect(server.faults.map(({ error }) => (error as Error).message).sort()).toEqual(['at once', 'in the handler'])
    expect(server.faults[0]?.context).toMatchObject({ where: 'listener' })
  })

  test('a handler may wait for an ack of its client: answers are not held', async () => {
    const log: unknown[] = []
    await using server = await startServer((io) => {
      io.on('connection', async (socket) => {
        log.push(await socket.emitWithAck('who are you?'))
        log.push(await io.to(socket.id).emitWithAck('who are you?'))
        socket.on('a', () => void log.push('a'))
      })
    })
    using client = connect(server.url)
    client.on('who are you?', () => 'Ada')
    client.emit('a')
    await until(() => log.length === 3)
    expect(log).toEqual(['Ada', ['Ada'], 'a'])
  })

  test('a client that leaves while its handler runs gets its held events dropped', async () => {
    const log: string[] = []
    let proceed: (() => void) | undefined
    await using server = await startServer((io) => {
      io.on('connection', async (socket) => {
        socket.on('a', () => void log.push('a'))
        socket.on('disconnect', () => void log.push('disconnect'))
        await new Promise<void>((resolve) => {
          proceed = resolve
        })
      })
    })
    using client = await RawClient.connect(server.port)
    client.emit('a')
    client.terminate()
    await until(() => log.length === 1)
    proceed?.()
    await new Promise((resolve) => setImmediate(resolve))
    expect(log).toEqual(['disconnect'])
  })

  test.each([
    ['events', LIMITS.heldFrames + 1, new Uint8Array(0)],
    ['bytes', 3, new Uint8Array(LIMITS.heldBytes / 3)],
  ])('more %s than may be held close the connection with HELD_LIMIT', async (_what, count, payload) => {
    await using server = await startServer((io) => {
      io.on('connection', () => new Promise<void>(() => {}) as unknown as void)
    })
    using client = await RawClient.connect(server.port)
    for (let i = 0; i < count; i++) client.emit('a', [payload])
    expect(await client.close()).toMatchObject({ code: CLOSE_CODES.HELD_LIMIT })
  })

  test('as many as may be held are kept', async () => {
    let proceed: (() => void) | undefined
    let count = 0
    await using server = await startServer((io) => {
      io.on('connection', async (socket) => {
        socket.on('a', () => void count++)
        await new Promise<void>((resolve) => {
          proceed = resolve
        })
      })
    })
    using client = await RawClient.connect(server.port)
    for (let i = 0; i < LIMITS.heldFrames; i++) client.emit('a')
    client.send({ type: MESSAGE_TYPES.ACK, ackId: 2 }, [])
    await client.frame('ERROR')
    proceed?.()
    await until(() => count === LIMITS.heldFrames)
  })

  test('a handler may end its socket at once: the client is connected, then disconnected', async () => {
    for (const close of [false, true]) {
      await using server = await startServer((io) => io.on('connection', (socket) => void socket.disconnect(close)))
      using client = connect(server.url)
      const connected = next(client, 'connect')
      const lost = next(client, 'disconnect')
      await connected
      expect((await lost)[0]).toBe('io server disconnect')
      await until(() => server.io.sockets.sockets.size === 0)
    }
  })

  test('"connect" is another name of "connection", once() hears one client, off() none', async () => {
    const log: string[] = []
    await using server = await startServer((io) => {
      const never = () => void log.push('never')
      io.on('connect', () => void log.push('connect'))
      io.once('connection', () => void log.push('once'))
      io.on('connection', never)
      io.off('connection', never)
    })
    using all = await pairs(server, 2)
    expect(all).toHaveLength(2)
    expect(log.sort()).toEqual(['connect', 'connect', 'once'])
  })
})

describe('a connection without a namespace', () => {
  test('is closed with CONNECT_TIMEOUT after connectTimeout', async () => {
    await using server = await startServer(() => {}, { connectTimeout: 50 })
    using client = await RawClient.open(server.port)
    expect(server.io.engine.clientsCount).toBe(1)
    expect(await client.close()).toMatchObject({ code: CLOSE_CODES.CONNECT_TIMEOUT })
    expect(server.io.engine.clientsCount).toBe(0)
  })

  test('that connects in time stays, also when another one is closed', async () => {
    await using server = await startServer(() => {}, { connectTimeout: 1_000 })
    using client = await RawClient.connect(server.port)
    using late = await RawClient.open(server.port)
    await late.close()
    server.io.emit('still here')
    expect((await client.frame('EVENT')).event).toBe('still here')
  })

  test('is closed too if middleware refuses it, or does not end', async () => {
    await using server = await startServer(
      (io) => {
        io.use((_socket, next) => next(new Error('no')))
        io.of('/never').use(() => {})
      },
      { connectTimeout: 50 },
    )
    for (const nsp of ['/', '/never']) {
      using client = await RawClient.open(server.port)
      client.send({ type: MESSAGE_TYPES.CONNECT }, { nsp })
      expect(await client.close()).toMatchObject({ code: CLOSE_CODES.CONNECT_TIMEOUT })
    }
  })
})

describe('listen and close', () => {
  test('port and url tell where it listens, and nothing before and after', async () => {
    const io = new Server()
    expect([io.port, io.url]).toEqual([0, ''])
    expect(await io.listen({ port: 0, host: '127.0.0.1' })).toBe(io)
    expect(io.port).toBeGreaterThan(0)
    expect(io.url).toBe(`http://127.0.0.1:${io.port}`)
    await io.close()
    expect([io.port, io.url]).toEqual([0, ''])
  })

  test('listen() without an argument, with a port, and on all interfaces', async () => {
    for (const where of [undefined, 0, { port: 0 }, { port: 0, host: '0.0.0.0' }]) {
      const io = new Server()
      await io.listen(where)
      try {
        expect(io.url).toBe(`http://localhost:${io.port}`)
        expect((await request(io.port)).status).toBe(404)
      } finally {
        await io.close()
      }
    }
  })

  test('a second listen() is refused with ALREADY_LISTENING, at the same time, later, and after close()', async () => {
    const io = new Server()
    const first = io.listen(0)
    expect((await errorOf(io.listen(0))).code).toBe('ALREADY_LISTENING')
    await first
    expect((await errorOf(io.listen(0))).code).toBe('ALREADY_LISTENING')
    await io.close()
    expect((await errorOf(io.listen(0))).code).toBe('ALREADY_LISTENING')
  })

  test('a port in use is refused with LISTEN_FAILED, and another one may be tried', async () => {
    await using other = await startServer()
    const io = new Server()
    const error = await errorOf(io.listen({ port: other.port, host: '127.0.0.1' }))
    expect(error.code).toBe('LISTEN_FAILED')
    expect(error.message).toContain(String(other.port))
    expect(io.url).toBe('')
    await io.listen({ port: 0, host: '127.0.0.1' })
    expect((await request(io.port)).status).toBe(404)
    await io.close()
    expect((await request(other.port)).status).toBe(404)
  })

  test.each([-1, 65_536, 1.5, Number.NaN, '3000' as never])('port %s is refused with INVALID_OPTION', async (port) => {
    expect((await errorOf(new Server().listen(port))).code).toBe('INVALID_OPTION')
    expect((await errorOf(new Server().listen({ port }))).code).toBe('INVALID_OPTION')
  })

  test('close() tells clients, and frees the port for a new server that they find again', async () => {
    // Chosen here: a port that the engine picks itself is not free again for a minute.
    const port = await freePort()
    const first = new Server()
    await first.listen({ port, host: '127.0.0.1' })
    using client = connect(first.url, { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 20 })
    await until(() => client.connected)
    const lost = next(client, 'disconnect')
    await first.close()
    expect(await lost).toMatchObject(['transport close', { code: CLOSE_CODES.SERVER_SHUTDOWN, verdict: 'backoff' }])
    const second = new Server()
    second.on('connection', (socket) => void socket.emit('hello from the second'))
    const hello = next(client, 'hello from the second')
    await second.listen({ port, host: '127.0.0.1' })
    await hello
    await second.close()
  })

  test('close() twice, at the same time, and before listen() does nothing more', async () => {
    const io = new Server()
    await io.close()
    await io.close()
    const { io: other } = await startServer()
    await Promise.all([other.close(), other.close()])
    await other.close()
    expect(other.engine.clientsCount).toBe(0)
  })

  test('close() while listen() is still running leaves no open port', async () => {
    const io = new Server()
    const listening = io.listen({ port: 0, host: '127.0.0.1' })
    await io.close()
    await listening.catch(() => {})
    const { port } = io
    if (port > 0) expect(await request(port).catch((error) => error.code)).toBe('ECONNREFUSED')
    expect(io.url).toBe('')
  })

  test('close() ends connections that are not connected to a namespace, idle HTTP ones too', async () => {
    const server = await startServer((io) => io.of('/slow').use(() => {}))
    using idle = await RawClient.open(server.port)
    using pending = await RawClient.open(server.port)
    pending.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/slow' })
    const http = rawRequest(server.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await request(server.port)
    await server.io.close()
    expect((await idle.close()).code).toBe(CLOSE_CODES.SERVER_SHUTDOWN)
    expect((await pending.close()).code).toBe(CLOSE_CODES.SERVER_SHUTDOWN)
    await http
  })

  test.each(['connection handler', 'event handler', 'disconnecting listener', 'middleware', 'http handler'])(
    'close() may be called in a %s',
    async (where) => {
      let closing: Promise<void> | undefined
      const server = await startServer((io) => {
        const close = (here: string) => {
          if (here === where) closing = io.close()
        }
        io.use((_socket, next) => {
          close('middleware')
          next()
        })
        io.on('connection', (socket) => {
          socket.join('r')
          close('connection handler')
          socket.on('disconnecting', () => close('disconnecting listener'))
          socket.on('a', (ack: (text: string) => void) => {
            close('event handler')
            io.to('r').emit('too late')
            socket.emit('too late')
            ack('too late')
          })
        })
        io.http(() => {
          close('http handler')
          return new Response('bye')
        })
      })
      using client = connect(server.url)
      client.on('connect', () => {
        if (where === 'event handler') client.emit('a', () => {})
        if (where === 'disconnecting listener') client.disconnect()
      })
      client.on('error', () => {})
      if (where === 'http handler') await request(server.port).catch(() => 'cut off')
      await until(() => closing !== undefined)
      await closing
      expect(await request(server.port).catch((error) => error.code)).toBe('ECONNREFUSED')
      expect(server.io.engine.clientsCount).toBe(0)
      expect(server.io.sockets.sockets.size).toBe(0)
      expect(server.faults).toEqual([])
    },
  )

  test('an HTTP handler that answers after close() harms nothing', async () => {
    const waiting: (() => void)[] = []
    const server = await startServer((io) =>
      io.http(async () => {
        await new Promise<void>((resolve) => waiting.push(resolve))
        return new Response('too late')
      }),
    )
    const answers = ['GET', 'POST'].map((method) => request(server.port, { method, body: '' }).catch(() => 'cut off'))
    await until(() => waiting.length === 2)
    await server.io.close()
    for (const proceed of waiting) proceed()
    expect(await Promise.all(answers)).toEqual(['cut off', 'cut off'])
    expect(server.faults).toEqual([])
  })

  test('after close() emits and calls do nothing, and settle', async () => {
    const server = await startServer()
    using one = await pair(server)
    await server.io.close()
    server.io.emit('a')
    server.io.to('r').emit('a')
    expect(one.socket.emit('a')).toBe(false)
    one.socket.join('r')
    one.socket.to('r').emit('a')
    expect(await server.io.emitWithAck('a')).toEqual([])
    expect(await server.io.fetchSockets()).toEqual([])
    expect((await errorOf(one.socket.emitWithAck('a'))).code).toBe('DISCONNECTED')
    expect(one.socket.conn).toMatchObject({ readyState: 'closed', buffered: 0 })
  })
})

test('conn tells about the connection beneath, which the namespaces of a client share', async () => {
  await using server = await startServer()
  using one = await pair(server)
  const { conn } = one.socket
  expect(conn.transport.name).toBe('websocket')
  expect(conn).toMatchObject({ remoteAddress: '127.0.0.1', readyState: 'open', buffered: 0 })
  const gone = next(one.socket, 'disconnect')
  one.client.disconnect()
  await gone
  await until(() => conn.readyState === 'closed')
})
