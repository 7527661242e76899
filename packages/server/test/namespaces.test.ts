import { Manager } from '@roomcast/client'
import { LIMITS, MESSAGE_TYPES } from '@roomcast/protocol'
import type { Namespace, Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { connect, errorOf, pair } from '../../../test-kit/clients'
import { RawClient } from '../../../test-kit/raw-client'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'

/** The code that the server refuses a namespace with. */
async function refusal(url: string, auth: object = {}): Promise<string> {
  using client = connect(url, { auth })
  const [error] = (await next(client, 'connect_error')) as [{ code: string; message: string }]
  expect(client.active, 'a refused client does not try again').toBe(false)
  return error.code
}

/** Sockets of several namespaces of a server over one connection. */
function multiplex(url: string, names: readonly string[]) {
  const manager = new Manager(url, { reconnection: false })
  const sockets = names.map((name) => manager.socket(name))
  return {
    sockets: sockets as [(typeof sockets)[0], (typeof sockets)[0], (typeof sockets)[0]],
    [Symbol.dispose]() {
      for (const socket of sockets) socket.disconnect()
    },
  }
}

describe('static namespaces', () => {
  test('a name, with or without its slash, is one namespace', async () => {
    await using server = await startServer()
    const { io } = server
    expect(io.of('/chat')).toBe(io.of('chat'))
    expect(io.of('/chat').name).toBe('/chat')
    expect(io.of('/')).toBe(io.sockets)
    using one = await pair(server, { nsp: '/chat' })
    expect(one.socket.nsp.name).toBe('/chat')
    expect(one.socket.nsp).toBe(io.of('/chat'))
  })

  test.each([`/${'x'.repeat(LIMITS.namespaceNameBytes)}`, '/a\nb', '/\ud800'])(
    'the name %j is refused with INVALID_NAMESPACE',
    async (name) => {
      await using server = await startServer()
      expect((await errorOf(() => server.io.of(name))).code).toBe('INVALID_NAMESPACE')
    },
  )

  test('a namespace that nobody defined is refused with INVALID_NAMESPACE', async () => {
    await using server = await startServer()
    expect(await refusal(`${server.url}/unknown`)).toBe('INVALID_NAMESPACE')
    expect(await refusal(`${server.url}/constructor`)).toBe('INVALID_NAMESPACE')
    expect(await refusal(`${server.url}/__proto__`)).toBe('INVALID_NAMESPACE')
    using one = await pair(server)
    expect(one.client.connected).toBe(true)
  })

  test('emits, rooms, ids and middleware of one namespace are its own', async () => {
    await using server = await startServer((io) => {
      io.of('/a').use((socket, next) => {
        socket.data.passed = 'a'
        next()
      })
      io.of('/b')
    })
    const { io } = server
    using main = await pair(server)
    using a = await pair(server, { nsp: '/a' })
    using b = await pair(server, { nsp: '/b' })
    expect([main, a, b].map(({ socket }) => socket.data.passed)).toEqual([undefined, 'a', undefined])
    expect(new Set([main, a, b].map(({ socket }) => socket.id)).size).toBe(3)
    for (const { socket } of [main, a, b]) socket.join('r')
    io.emit('main')
    io.to('r').emit('main r')
    io.of('/a').emit('a')
    io.of('/a').to('r').emit('a r')
    io.of('/b').to(a.socket.id).emit('b to a')
    a.socket.to('r').emit('nobody else is in r of a')
    expect((await io.of('/a').fetchSockets()).map(({ id }) => id)).toEqual([a.socket.id])
    expect([...io.of('/b').sockets.keys()]).toEqual([b.socket.id])
    for (const nsp of ['/', '/a', '/b']) io.of(nsp).emit('end')
    expect(await main.eventsBefore('end')).toEqual(['main', 'main r'])
    expect(await a.eventsBefore('end')).toEqual(['a', 'a r'])
    expect(await b.eventsBefore('end')).toEqual([])
  })
})

test('new_namespace tells of every namespace but the main one, with the namespace', async () => {
  const created: Namespace[] = []
  await using server = await startServer((io) => {
    io.on('new_namespace', (namespace: Namespace) => void created.push(namespace))
    io.of('/')
    io.of('/static')
    io.of('/static')
    io.of(/^\/room-/)
  })
  using one = await pair(server, { nsp: '/room-1' })
  expect(created.map(({ name }) => name)).toEqual(['/static', '/room-1'])
  expect(created[1]).toBe(one.socket.nsp)
})

describe('patterns', () => {
  test('a RegExp creates a namespace for each matching name that a client asks for', async () => {
    const created: string[] = []
    await using server = await startServer((io) => {
      // A pattern with state must not answer differently the second time.
      io.of(/^\/room-\d+$/g).on('connection', (socket) => {
        socket.emit('hello', socket.nsp.name)
      })
      io.on('new_namespace', (namespace: Namespace) => void created.push(namespace.name))
    })
    using one = await pair(server, { nsp: '/room-1' })
    using two = await pair(server, { nsp: '/room-2' })
    using again = await pair(server, { nsp: '/room-1' })
    await until(() => [one, two, again].every(({ received }) => received.length === 1))
    expect([one, two, again].map(({ received }) => received[0])).toEqual([
      ['hello', '/room-1'],
      ['hello', '/room-2'],
      ['hello', '/room-1'],
    ])
    expect(created).toEqual(['/room-1', '/room-2'])
    expect(one.socket.nsp).toBe(again.socket.nsp)
    expect(await refusal(`${server.url}/room-x`)).toBe('INVALID_NAMESPACE')
    expect(await refusal(`${server.url}/x/room-1`)).toBe('INVALID_NAMESPACE')
  })

  test('a function decides, at once or later, by name and auth', async () => {
    const asked: unknown[] = []
    await using server = await startServer((io) => {
      io.of((name, auth, next) => {
        asked.push([name, auth])
        if (name === '/sync') next(null, true)
        else if (name === '/later') setImmediate(() => next(null, (auth as { key?: string }).key === 'right'))
        else if (name === '/error') next(new Error('secret text'), true)
        else next(null, false)
      })
    })
    using sync = await pair(server, { nsp: '/sync', auth: { key: 'any' } })
    using later = await pair(server, { nsp: '/later', auth: { key: 'right' } })
    expect([sync, later].map(({ client }) => client.connected)).toEqual([true, true])
    expect(await refusal(`${server.url}/no`, { key: 'right' })).toBe('INVALID_NAMESPACE')
    expect(await refusal(`${server.url}/error`)).toBe('INVALID_NAMESPACE')
    expect(asked).toEqual([
      ['/sync', { key: 'any' }],
      ['/later', { key: 'right' }],
      ['/no', { key: 'right' }],
      ['/error', {}],
    ])
    later.client.disconnect()
    await until(() => !later.socket.connected)
    expect(await refusal(`${server.url}/later`, { key: 'wrong' })).toBe('INVALID_NAMESPACE')
  })

  test('a function allows as in Socket.IO: no error, and anything that is true', async () => {
    await using server = await startServer((io) => {
      io.of((name, _auth, next) => {
        if (name === '/undefined') next(undefined as never, true)
        // As the EXISTS of Redis answers.
        else next(null, (name === '/one' ? 1 : 0) as never)
      })
    })
    using none = await pair(server, { nsp: '/undefined' })
    using one = await pair(server, { nsp: '/one' })
    expect([none, one].every(({ client }) => client.connected)).toBe(true)
    expect(await refusal(`${server.url}/zero`)).toBe('INVALID_NAMESPACE')
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('in the matcher')
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('in the matcher')
      },
    ],
  ])('a function that %s refuses, and is reported', async (_how, matcher) => {
    await using server = await startServer((io) => void io.of(matcher))
    expect(await refusal(`${server.url}/any`)).toBe('INVALID_NAMESPACE')
    expect(server.faults).toHaveLength(1)
  })

  test('of several patterns the first that matches creates the namespace, and a static one is not asked for', async () => {
    const hits: string[] = []
    await using server = await startServer((io) => {
      io.of('/x-static').on('connection', () => void hits.push('static'))
      io.of(/^\/nothing/).on('connection', () => void hits.push('nothing'))
      io.of(/^\/x/).on('connection', () => void hits.push('first'))
      io.of(/^\/x-y/).on('connection', () => void hits.push('second'))
    })
    using a = await pair(server, { nsp: '/x-y' })
    using b = await pair(server, { nsp: '/x-static' })
    expect([a, b].every(({ client }) => client.connected)).toBe(true)
    expect(hits).toEqual(['first', 'static'])
  })

  test('clients that ask at the same time for the same new name share one namespace', async () => {
    let created = 0
    await using server = await startServer((io) => {
      io.of((_name, _auth, next) => void setImmediate(() => next(null, true)))
      io.on('new_namespace', () => void created++)
    })
    const all = await Promise.all([1, 2, 3].map(() => pair(server, { nsp: '/shared' }).catch(() => null)))
    expect(all.every((one) => one !== null)).toBe(true)
    expect(created).toBe(1)
    expect(server.io.of('/shared').sockets.size).toBe(3)
    for (const one of all) one?.[Symbol.dispose]()
  })

  test('children have the middleware and the listeners of the parent, and an emit on it reaches all of them', async () => {
    const seen: string[] = []
    await using server = await startServer((io) => {
      const parent = io.of(/^\/room-/)
      parent
        .use((socket, next) => {
          seen.push(`use ${socket.nsp.name}`)
          next(socket.handshake.auth.banned ? new Error('banned') : undefined)
        })
        .on('connection', (socket) => {
          seen.push(`connection ${socket.nsp.name}`)
          socket.on('all', (text: string) => void parent.emit('text', text))
        })
    })
    expect(await refusal(`${server.url}/room-1`, { banned: true })).toBe('CONNECT_REFUSED')
    using main = await pair(server)
    using one = await pair(server, { nsp: '/room-1' })
    using two = await pair(server, { nsp: '/room-2' })
    expect(seen).toEqual(['use /room-1', 'use /room-1', 'connection /room-1', 'use /room-2', 'connection /room-2'])
    one.client.emit('all', 'hello')
    await until(() => two.received.length === 1 && one.received.length === 1)
    expect([one.received, two.received, main.received]).toEqual([[['text', 'hello']], [['text', 'hello']], []])
  })

  test('io.of(name) of a name that a RegExp matches gives a child of the pattern, guarded by its middleware', async () => {
    await using server = await startServer((io) => {
      io.of(/^\/private-/).use((_socket, next) => next(new Error('members only')))
      // As a program does that emits to a room's namespace before anybody is there.
      io.of('/private-1').emit('nobody is here yet')
    })
    expect(await refusal(`${server.url}/private-1`)).toBe('CONNECT_REFUSED')
  })

  test('an empty namespace of a pattern is removed, a static one and one with sockets is not', async () => {
    let created = 0
    await using server = await startServer((io) => {
      io.of('/static')
      io.of(/^\/room-/).use((socket, next) => next(socket.handshake.auth.banned ? new Error('banned') : undefined))
      io.on('new_namespace', () => void created++)
    })
    const [first, second] = [await pair(server, { nsp: '/room-1' }), await pair(server, { nsp: '/room-1' })]
    const namespace = first.socket.nsp
    first.client.disconnect()
    await until(() => !first.socket.connected)
    using third = await pair(server, { nsp: '/room-1' })
    expect(third.socket.nsp).toBe(namespace)
    for (const { client } of [second, third]) client.disconnect()
    await until(() => !second.socket.connected && !third.socket.connected)
    using fourth = await pair(server, { nsp: '/room-1' })
    expect(fourth.socket.nsp).not.toBe(namespace)
    expect(created).toBe(2)
    for (let i = 0; i < 3; i++) await refusal(`${server.url}/room-2`, { banned: true })
    expect(created, 'a refused client leaves none behind').toBe(5)
    using inStatic = await pair(server, { nsp: '/static' })
    const { nsp } = inStatic.socket
    inStatic.client.disconnect()
    await until(() => !inStatic.socket.connected)
    expect(server.io.of('/static')).toBe(nsp)
  })

  test('with cleanupEmptyChildNamespaces false it stays', async () => {
    let created = 0
    await using server = await startServer(
      (io) => {
        io.of(/^\/room-/)
        io.on('new_namespace', () => void created++)
      },
      { cleanupEmptyChildNamespaces: false },
    )
    for (let i = 0; i < 3; i++) {
      using one = await pair(server, { nsp: '/room-1' })
      one.client.disconnect()
      await until(() => !one.socket.connected)
    }
    expect(created).toBe(1)
  })

  test('a namespace whose clients left while middleware was running is removed too', async () => {
    const waiting: (() => void)[] = []
    let created = 0
    await using server = await startServer((io) => {
      io.of(/^\/room-/).use((_socket, next) => void waiting.push(next))
      io.on('new_namespace', () => void created++)
    })
    for (let i = 1; i <= 2; i++) {
      using raw = await RawClient.open(server.port)
      raw.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/room-1' })
      await until(() => waiting.length === i)
      raw.terminate()
      await until(() => server.io.engine.clientsCount === 0)
      // The middleware never calls next.
    }
    expect(created).toBe(2)
  })
})

describe('several namespaces on one connection', () => {
  const NAMES = ['/', '/a', '/b'] as const

  test('share it, and each is its own socket', async () => {
    await using server = await startServer((io) => {
      for (const name of NAMES) {
        io.of(name).on('connection', (socket) => {
          socket.on('where', () => socket.nsp.name)
        })
      }
    })
    using it = multiplex(server.url, NAMES)
    expect(await Promise.all(it.sockets.map((socket) => socket.emitWithAck('where')))).toEqual(NAMES)
    expect(server.io.engine.clientsCount).toBe(1)
    const ids = it.sockets.map(({ id }) => id)
    expect(new Set(ids).size).toBe(3)
    const onServer = NAMES.map((name, i) => server.io.of(name).sockets.get(ids[i] ?? ''))
    expect(await Promise.all(it.sockets.map((socket) => socket.emitWithAck('where')))).toEqual(NAMES)
    for (const [i, socket] of onServer.entries()) socket?.emit('you are', NAMES[i])
    const got = await Promise.all(it.sockets.map((socket) => next(socket, 'you are')))
    expect(got).toEqual(NAMES.map((name) => [name]))
  })

  test.each(['server', 'client'])('the %s may end one of them, and the others go on', async (side) => {
    await using server = await startServer((io) => {
      for (const name of NAMES) io.of(name).on('connection', (socket) => void socket.on('echo', (x: unknown) => x))
    })
    using it = multiplex(server.url, NAMES)
    const [main, a, b] = it.sockets
    await until(() => it.sockets.every(({ connected }) => connected))
    const onServer = server.io.of('/a').sockets.get(a.id ?? '') as Socket
    const reasons = Promise.all([next(a, 'disconnect'), next(onServer, 'disconnect')])
    if (side === 'server') onServer.disconnect()
    else a.disconnect()
    const [[clientReason], [serverReason]] = (await reasons) as [[string], [string]]
    expect([clientReason, serverReason]).toEqual([`io ${side} disconnect`, `${side} namespace disconnect`])
    expect(await Promise.all([main.emitWithAck('echo', 1), b.emitWithAck('echo', 2)])).toEqual([1, 2])
    expect(server.io.engine.clientsCount).toBe(1)
    a.connect()
    expect(await a.emitWithAck('echo', 3), 'it may come back').toBe(3)
    expect(server.io.engine.clientsCount).toBe(1)
  })

  test('disconnect(true) ends all of them and the connection', async () => {
    const reasons: string[] = []
    await using server = await startServer((io) => {
      for (const name of NAMES) {
        io.of(name).on('connection', (socket) => {
          socket.on('disconnect', (reason) => void reasons.push(`${name} ${reason}`))
        })
      }
    })
    using it = multiplex(server.url, NAMES)
    await until(() => it.sockets.every(({ connected }) => connected))
    const clientReasons = Promise.all(it.sockets.map((socket) => next(socket, 'disconnect')))
    const [socket] = [...server.io.of('/a').sockets.values()] as [Socket]
    socket.disconnect(true)
    expect((await clientReasons).map(([reason]) => reason)).toEqual(Array(3).fill('io server disconnect'))
    expect(reasons.sort()).toEqual(NAMES.map((name) => `${name} server namespace disconnect`).sort())
    await until(() => server.io.engine.clientsCount === 0)
  })

  test('a refused one leaves the others alone', async () => {
    await using server = await startServer((io) => {
      io.of('/a').use((_socket, next) => next(new Error('no')))
      io.of('/b')
    })
    using it = multiplex(server.url, NAMES)
    const [main, a, b] = it.sockets
    await next(a, 'connect_error')
    await until(() => main.connected && b.connected)
    expect(a.connected).toBe(false)
  })

  test('more of them than frames allowed before the first is connected may wait for slow middleware', async () => {
    const names = Array.from({ length: LIMITS.framesBeforeConnect + 4 }, (_, i) => `/n${i}`)
    const waiting: (() => void)[] = []
    await using server = await startServer((io) => {
      for (const name of names) io.of(name).use((_socket, next) => void waiting.push(next))
    })
    using it = multiplex(server.url, names)
    const failure = Promise.race(it.sockets.map((socket) => next(socket, 'connect_error')))
    failure.catch(() => {})
    await until(() => waiting.length === names.length, 'all of them in the middleware')
    for (const proceed of waiting) proceed()
    await until(() => it.sockets.every(({ connected }) => connected), 'all of them connected')
  })

  test(`one more than ${LIMITS.namespacesPerConnection} is refused with TOO_MANY_NAMESPACES`, async () => {
    await using server = await startServer((io) => io.of(/^\/n\d+$/))
    using client = await RawClient.connect(server.port)
    for (let i = 1; i < LIMITS.namespacesPerConnection; i++) {
      client.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: `/n${i}` })
    }
    await until(
      () => client.frames.filter(({ type }) => type === 'CONNECTED').length === LIMITS.namespacesPerConnection,
    )
    client.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/n99' })
    expect((await client.frame('CONNECT_ERROR')).body).toMatchObject({ nsp: '/n99', code: 'TOO_MANY_NAMESPACES' })
    const { namespace } = client.frames.find(({ body }) => (body as { nsp?: string })?.nsp === '/n5') as {
      namespace: number
    }
    client.send({ type: MESSAGE_TYPES.DISCONNECT, namespace }, null)
    client.send({ type: MESSAGE_TYPES.CONNECT }, { nsp: '/n99' })
    await until(() =>
      client.frames.some(({ type, body }) => type === 'CONNECTED' && (body as { nsp: string }).nsp === '/n99'),
    )
  })

  test('a client that gives one up while its middleware runs leaves no socket behind', async () => {
    const waiting: (() => void)[] = []
    let disconnects = 0
    await using server = await startServer((io) => {
      io.of('/slow').use((_socket, next) => void waiting.push(next))
      io.of('/slow').on('connection', (socket) => void socket.on('disconnect', () => void disconnects++))
    })
    using it = multiplex(server.url, ['/', '/slow'])
    const [main, slow] = it.sockets
    await until(() => waiting.length === 1 && main.connected)
    slow.disconnect()
    waiting[0]?.()
    await until(() => server.io.of('/slow').sockets.size === 0 && disconnects === 1, 'the namespace to be empty')
    expect(main.connected).toBe(true)
  })

  test('a client that gives one up and asks again at once is connected, and the others stay', async () => {
    const waiting: (() => void)[] = []
    await using server = await startServer((io) => {
      io.on('connection', (socket) => void socket.on('echo', (x: unknown) => x))
      io.of('/slow').use((_socket, next) => void waiting.push(next))
      io.of('/slow').on('connection', (socket) => void socket.on('echo', (x: unknown) => x))
    })
    using it = multiplex(server.url, ['/', '/slow'])
    const [main, slow] = it.sockets
    const lost: unknown[] = []
    main.on('disconnect', (...args) => void lost.push(args))
    await until(() => waiting.length === 1 && main.connected)
    slow.disconnect()
    slow.connect()
    const timer = setInterval(() => waiting.shift()?.(), 5)
    try {
      await until(() => slow.connected || lost.length > 0)
      expect(lost).toEqual([])
      expect(await slow.timeout(5_000).emitWithAck('echo', 1)).toBe(1)
      expect(await main.emitWithAck('echo', 2)).toBe(2)
      await until(() => server.io.of('/slow').sockets.size === 1)
    } finally {
      clearInterval(timer)
    }
  })
})
