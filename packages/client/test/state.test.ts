import type { Manager } from '@roomcast/client'
import { CLOSE_CODES, MESSAGE_TYPES } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { FakeServer } from '../../../test-kit/fake-server'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import { connect, connectManager, disposable, freePort, startServerOn } from './support'

/** Writes down the states of a manager as it tells them, each with what it says of itself then. */
function recordStates(manager: Manager): unknown[] {
  const states: unknown[] = []
  manager.on('state', (state) => states.push([state, manager.state, manager.transport]))
  return states
}

const CONNECTING = ['connecting', 'connecting', undefined]
const CONNECTED = ['connected', 'connected', 'websocket']
const WAITING = ['waiting', 'waiting', undefined]
const IDLE = ['idle', 'idle', undefined]

describe('the state of a socket', () => {
  test('is idle, connecting, connected, waiting, and idle again', async () => {
    const first = await startServerOn(await freePort())
    using socket = connect(first.url, { autoConnect: false })
    expect(socket.state).toBe('idle')
    socket.connect()
    expect(socket.state).toBe('connecting')
    await next(socket, 'connect')
    expect(socket.state).toBe('connected')
    const seen: string[] = []
    socket.on('disconnect', () => seen.push(socket.state))
    socket.on('connect_error', () => seen.push(socket.state))
    socket.io.on('reconnect_attempt', () => seen.push(socket.state))
    const { port } = first
    await first.close()
    await until(() => seen.length >= 3)
    expect(seen.slice(0, 3)).toEqual(['waiting', 'connecting', 'waiting'])
    await using _second = await startServerOn(port)
    await until(() => socket.connected)
    expect(socket.state).toBe('connected')
    socket.disconnect()
    expect(socket.state).toBe('idle')
    expect(socket.io.state).toBe('idle')
  })

  test('is connecting while the link is open and the namespace is not answered', async () => {
    await using server = await FakeServer.start({ answer: () => {} })
    const { manager, socket: opened } = connectManager(server.url)
    using socket = opened
    await (await server.link()).frame('CONNECT')
    expect([manager.state, socket.state]).toEqual(['connected', 'connecting'])
  })

  test('is idle after a refusal, while another namespace is connected', async () => {
    await using server = await startServer()
    const { manager, socket: opened } = connectManager(server.url)
    using main = opened
    using other = disposable(manager.socket('/nowhere'))
    await Promise.all([next(main, 'connect'), next(other, 'connect_error')])
    expect([main.state, other.state, manager.state]).toEqual(['connected', 'idle', 'connected'])
  })

  test('is idle after a close for good', async () => {
    await using server = await FakeServer.start()
    using socket = connect(server.url)
    await next(socket, 'connect')
    const lost = next(socket, 'disconnect')
    ;(await server.link()).close(CLOSE_CODES.KICKED)
    await lost
    expect([socket.state, socket.io.state]).toEqual(['idle', 'idle'])
  })
})

describe('a manager', () => {
  test('tells each of its states once, and of the transport in use', async () => {
    await using server = await startServer()
    await using proxy = await FaultProxy.start(server.port)
    const { manager, socket: opened } = connectManager(proxy.url, { autoConnect: false })
    using socket = opened
    expect([manager.state, manager.transport]).toEqual(['idle', undefined])
    const states = recordStates(manager)
    socket.connect()
    expect([manager.state, manager.transport]).toEqual(['connecting', undefined])
    await next(socket, 'connect')
    expect([manager.state, manager.transport]).toEqual(['connected', 'websocket'])
    expect(states).toEqual([CONNECTING, CONNECTED])
    const again = next(socket, 'connect')
    proxy.cut()
    await again
    expect(states.slice(2)).toEqual([WAITING, CONNECTING, CONNECTED])
    socket.disconnect()
    expect(states.slice(5)).toEqual([IDLE])
    expect([manager.state, manager.transport]).toEqual(['idle', undefined])
  })

  test('tells of a WebSocket that takes over as of a state: connected, on another transport', async () => {
    await using server = await startServer()
    const { manager, socket: opened } = connectManager(server.url, { transports: ['polling', 'websocket'] })
    using _socket = opened
    const states = recordStates(manager)
    await until(() => manager.transport === 'websocket')
    expect(states).toEqual([['connected', 'connected', 'polling'], CONNECTED])
  })

  test('fires "reconnect" once for each return, at the first answer', async () => {
    await using server = await FakeServer.start({
      answer: (link, frame) => {
        const { nsp } = frame.body as { nsp: string }
        if (nsp === '/') link.accept(frame)
        else link.send({ type: MESSAGE_TYPES.CONNECT_ERROR }, { nsp, code: 'NO', message: 'no' })
      },
    })
    const { manager, socket: opened } = connectManager(server.url)
    using main = opened
    await next(main, 'connect')
    const seen: string[] = []
    manager.on('open', () => seen.push('open'))
    manager.on('reconnect', (attempt) => seen.push(`reconnect ${attempt}`))
    main.on('connect', () => seen.push('connect'))
    for (let round = 0; round < 3; round++) {
      seen.length = 0
      const again = next(main, 'connect')
      server.links.at(-1)?.close(CLOSE_CODES.ABNORMAL)
      await again
      expect(seen).toEqual(['open', 'reconnect 1', 'connect'])
    }
    // A refusal is an answer as well, and what is asked for later is no return.
    using refused = disposable(manager.socket('/refused'))
    await next(refused, 'connect_error')
    expect(seen).toHaveLength(3)
    const lost = next(manager, 'close')
    server.links.at(-1)?.close(CLOSE_CODES.ABNORMAL)
    await lost
    main.disconnect()
    refused.connect()
    await next(refused, 'connect_error')
    expect(seen.slice(3)).toEqual(['open'])
  })

  test('does not fire "reconnect" for links that open and end without an answer', async () => {
    let losses = 3
    await using server = await FakeServer.start({
      answer: (link, frame) => (losses-- > 0 ? link.close(CLOSE_CODES.SERVER_SHUTDOWN) : link.accept(frame)),
    })
    const { manager, socket: opened } = connectManager(server.url)
    using socket = opened
    const seen: string[] = []
    manager.on('open', () => seen.push('open'))
    manager.on('reconnect', (attempt) => seen.push(`reconnect ${attempt}`))
    await next(socket, 'connect')
    expect(seen).toEqual(['open', 'open', 'open', 'open', 'reconnect 3'])
  })

  test('begins to count anew after disconnect() and connect() between two attempts', async () => {
    const port = await freePort()
    const { manager, socket: opened } = connectManager(`http://127.0.0.1:${port}`)
    using socket = opened
    await new Promise<void>((resolve) => manager.on('reconnect_attempt', (attempt) => attempt === 2 && resolve()))
    socket.disconnect()
    const seen: unknown[] = []
    manager.on('reconnect', (attempt) => seen.push(['reconnect', attempt]))
    manager.on('reconnect_error', () => seen.push('reconnect_error'))
    await using _server = await startServerOn(port)
    socket.connect()
    await next(socket, 'connect')
    expect(seen).toEqual([])
  })
})

describe('the last attempt that reconnectionAttempts allows', () => {
  test('leaves nothing active when connect_error tells of it, and reconnect_failed comes after', async () => {
    const { manager, socket: opened } = connectManager('http://127.0.0.1:1', { reconnectionAttempts: 2 })
    using main = opened
    using other = disposable(manager.socket('/a'))
    const seen: unknown[] = []
    main.on('connect_error', () => seen.push(['main', main.active, main.state]))
    other.on('connect_error', () => seen.push(['other', other.active, other.state]))
    manager.on('reconnect_failed', () => seen.push(['failed', main.active, other.active, manager.state]))
    await next(manager, 'reconnect_failed')
    expect(seen).toEqual([
      ['main', true, 'waiting'],
      ['other', true, 'waiting'],
      ['main', true, 'waiting'],
      ['other', true, 'waiting'],
      ['main', false, 'idle'],
      ['other', false, 'idle'],
      ['failed', false, false, 'idle'],
    ])
  })

  test('may be followed by connect() in its connect_error, which begins anew', async () => {
    const port = await freePort()
    const { manager, socket: opened } = connectManager(`http://127.0.0.1:${port}`, { reconnectionAttempts: 1 })
    using socket = opened
    const attempts: number[] = []
    manager.on('reconnect_attempt', (attempt) => attempts.push(attempt))
    let rounds = 0
    socket.on('connect_error', () => {
      if (!socket.active && ++rounds < 3) socket.connect()
    })
    await until(() => rounds === 3)
    expect(attempts).toEqual([1, 1, 1])
  })
})
