import type { RoomcastError } from '@roomcast/protocol'
import type { Server } from '@roomcast/server'
import { expect, test } from 'vitest'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { startServer, type TestServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import { connect, errorOf, turns } from './support'

/** A server that writes down what it was sent, and answers "done" when it has handled all that came before. */
async function startLog(setUp: (io: Server) => void = () => {}): Promise<TestServer & { readonly seen: unknown[][] }> {
  const seen: unknown[][] = []
  const server = await startServer((io) => {
    io.on('connection', (socket) => {
      socket.onAny((event, ...args) => {
        if (event !== 'done') seen.push([event, ...args.filter((arg) => typeof arg !== 'function')])
      })
      socket.on('done', () => true)
      socket.on('m', (value: unknown) => value)
    })
    setUp(io)
  })
  return Object.assign(server, { seen })
}

test('events that are emitted before the connection are sent after it, in order', async () => {
  await using server = await startLog()
  using client = connect(server.url, { autoConnect: false })
  for (let i = 0; i < 50; i++) client.emit('m', i)
  client.connect()
  for (let i = 50; i < 100; i++) client.emit('m', i)
  await client.emitWithAck('done')
  expect(server.seen).toEqual(Array.from({ length: 100 }, (_, i) => ['m', i]))
})

test('calls that are made before the connection are answered after it', async () => {
  await using server = await startLog()
  using client = connect(server.url, { autoConnect: false })
  const results = Promise.all([client.emitWithAck('m', 1), client.timeout(5_000).emitWithAck('m', 2)])
  const plain = new Promise((resolve) => client.emit('m', 3, resolve))
  client.connect()
  expect(await results).toEqual([1, 2])
  expect(await plain).toBe(3)
})

test('what the connect listeners emit goes out first, also after a reconnect', async () => {
  await using server = await startLog()
  await using proxy = await FaultProxy.start(server.port)
  using client = connect(proxy.url, { autoConnect: false })
  client.emit('kept', 1)
  client.on('connect', () => {
    client.emit('log in')
  })
  client.connect()
  await client.emitWithAck('done')
  expect(server.seen).toEqual([['log in'], ['kept', 1]])
  client.on('disconnect', () => {
    client.emit('kept', 2)
  })
  const again = next(client, 'connect')
  proxy.cut()
  await again
  await client.emitWithAck('done')
  expect(server.seen).toEqual([['log in'], ['kept', 1], ['log in'], ['kept', 2]])
})

test('events that are emitted while the link is down wait for the next one', async () => {
  await using server = await startLog()
  await using proxy = await FaultProxy.start(server.port)
  using client = connect(proxy.url)
  await next(client, 'connect')
  proxy.refuse()
  proxy.cut()
  await next(client, 'disconnect')
  client.emit('m', 1)
  await next(client, 'connect_error')
  client.emit('m', 2)
  await turns()
  expect(server.seen).toEqual([])
  proxy.pass()
  await client.emitWithAck('done')
  expect(server.seen).toEqual([
    ['m', 1],
    ['m', 2],
  ])
})

test('nothing is sent twice over several reconnects', async () => {
  await using server = await startLog()
  await using proxy = await FaultProxy.start(server.port)
  // Polling would come first after three cuts, and outlives them.
  using client = connect(proxy.url, { transports: ['websocket'] })
  for (let i = 0; i < 5; i++) {
    const connected = client.connected ? Promise.resolve([]) : next(client, 'connect')
    client.emit('m', i)
    await connected
    await client.emitWithAck('done')
    proxy.cut()
    await next(client, 'disconnect')
  }
  await until(() => client.connected)
  await client.emitWithAck('done')
  expect(server.seen).toEqual([0, 1, 2, 3, 4].map((n) => ['m', n]))
})

test('a refused connection keeps what waited for the next attempt', async () => {
  let isOpen = false
  await using server = await startLog((io) => io.use((_socket, next) => (isOpen ? next() : next(new Error('closed')))))
  using client = connect(server.url)
  client.emit('m', 1)
  await next(client, 'connect_error')
  isOpen = true
  client.connect()
  await client.emitWithAck('done')
  expect(server.seen).toEqual([['m', 1]])
})

test('more events than outboxLimit are refused with OUTBOX_FULL, those before are kept', async () => {
  await using server = await startLog()
  using client = connect(server.url, { autoConnect: false, outboxLimit: 3 })
  const errors: RoomcastError[] = []
  client.on('error', (error) => errors.push(error as RoomcastError))
  for (let i = 0; i < 3; i++) client.emit('m', i)
  expect(errors).toEqual([])
  client.emit('m', 'too many')
  expect(errors.map(({ code }) => code)).toEqual(['OUTBOX_FULL'])
  client.emit('m', 'too many', () => {})
  expect(errors.map(({ code }) => code)).toEqual(['OUTBOX_FULL', 'OUTBOX_FULL'])
  expect((await errorOf(() => client.emitWithAck('m', 'too many'))).code).toBe('OUTBOX_FULL')
  const timed: unknown[][] = []
  client.timeout(5_000).emit('m', 'too many', (...args: unknown[]) => timed.push(args))
  expect(timed).toHaveLength(1)
  expect(timed[0]?.[0]).toMatchObject({ code: 'OUTBOX_FULL' })
  client.connect()
  await next(client, 'connect')
  await client.emitWithAck('done')
  expect(server.seen).toEqual([0, 1, 2].map((n) => ['m', n]))
  expect(errors).toHaveLength(2)
})

test('more bytes than outboxBytes are refused with OUTBOX_FULL; a smaller event may still fit', async () => {
  await using server = await startLog()
  using client = connect(server.url, { autoConnect: false, outboxBytes: 1_000 })
  const errors: string[] = []
  client.on('error', (error) => errors.push((error as RoomcastError).code))
  client.emit('m', 'a'.repeat(600))
  client.emit('m', 'b'.repeat(600))
  client.emit('m', 'c'.repeat(300))
  expect(errors).toEqual(['OUTBOX_FULL'])
  client.connect()
  await next(client, 'connect')
  await client.emitWithAck('done')
  expect(server.seen).toEqual([
    ['m', 'a'.repeat(600)],
    ['m', 'c'.repeat(300)],
  ])
})

test('there is room again once the outbox was sent', async () => {
  await using server = await startLog()
  using client = connect(server.url, { autoConnect: false, outboxLimit: 1, outboxBytes: 100 })
  const errors: Error[] = []
  client.on('error', (error) => errors.push(error))
  for (let round = 0; round < 3; round++) {
    client.emit('m', 'x'.repeat(80))
    client.connect()
    await next(client, 'connect')
    await client.emitWithAck('done')
    client.disconnect()
  }
  expect(server.seen).toHaveLength(3)
  expect(errors).toEqual([])
})

test('without a listener of "error" a full outbox harms nobody', async () => {
  using client = connect('http://localhost', { autoConnect: false, outboxLimit: 0 })
  expect(client.emit('m', 1)).toBe(client)
})

test('a change to an argument after emit does not change what is sent', async () => {
  await using server = await startLog()
  using client = connect(server.url, { autoConnect: false })
  const message = { text: 'before', tags: ['a'], bytes: Uint8Array.of(1, 2, 3) }
  client.emit('m', message)
  message.text = 'after'
  message.tags.push('b')
  message.bytes.fill(9)
  client.connect()
  await next(client, 'connect')
  client.emit('n', message)
  message.bytes.fill(7)
  await client.emitWithAck('done')
  expect(server.seen).toEqual([
    ['m', { text: 'before', tags: ['a'], bytes: Uint8Array.of(1, 2, 3) }],
    ['n', { text: 'after', tags: ['a', 'b'], bytes: Uint8Array.of(9, 9, 9) }],
  ])
})

test('an argument whose toJSON emits another event disturbs neither of them', async () => {
  await using server = await startLog()
  using client = connect(server.url, { autoConnect: false })
  const toJSON = () => {
    client.emit('inner', 'x'.repeat(100))
    return 'json'
  }
  client.emit('outer', 'before', { toJSON }, 'after')
  client.connect()
  await client.emitWithAck('done')
  expect(server.seen).toEqual([
    ['inner', 'x'.repeat(100)],
    ['outer', 'before', 'json', 'after'],
  ])
})

test('a call that times out in the outbox fails once, and is not sent later', async () => {
  await using server = await startLog()
  using client = connect(server.url, { autoConnect: false })
  const outcomes: unknown[] = []
  client.timeout(20).emit('m', 'late', (error: RoomcastError | null) => outcomes.push(error?.code))
  client.emit('m', 'kept')
  expect((await errorOf(() => client.timeout(20).emitWithAck('m', 'late'))).code).toBe('ACK_TIMEOUT')
  await until(() => outcomes.length > 0)
  client.connect()
  await client.emitWithAck('done')
  expect(server.seen).toEqual([['m', 'kept']])
  expect(outcomes).toEqual(['ACK_TIMEOUT'])
})

test('calls that have timed out make room in the outbox', async () => {
  using client = connect('http://localhost', { autoConnect: false, outboxLimit: 2 })
  const failed = [1, 2].map((n) => errorOf(() => client.timeout(10).emitWithAck('m', n)))
  expect((await Promise.all(failed)).map(({ code }) => code)).toEqual(['ACK_TIMEOUT', 'ACK_TIMEOUT'])
  const errors: Error[] = []
  client.on('error', (error) => errors.push(error))
  client.emit('m', 3)
  expect(errors).toEqual([])
})

test('a call that waits in the outbox survives a lost link, one that was sent does not', async () => {
  await using server = await startLog((io) => io.on('connection', (socket) => socket.on('mute', () => {})))
  await using proxy = await FaultProxy.start(server.port)
  using client = connect(proxy.url)
  await next(client, 'connect')
  const sent = errorOf(() => client.emitWithAck('mute'))
  await until(() => server.seen.length === 1)
  proxy.refuse()
  proxy.cut()
  expect((await sent).code).toBe('DISCONNECTED')
  const kept = client.emitWithAck('m', 'kept')
  await next(client, 'connect_error')
  proxy.pass()
  expect(await kept).toBe('kept')
})

test('events that are emitted after disconnect() wait for connect()', async () => {
  await using server = await startLog()
  using client = connect(server.url)
  await next(client, 'connect')
  client.emit('m', 'last')
  client.disconnect()
  client.emit('m', 'kept')
  const call = client.emitWithAck('m', 'call')
  await until(() => server.io.engine.clientsCount === 0)
  expect(server.seen).toEqual([['m', 'last']])
  client.disconnect()
  client.connect()
  expect(await call).toBe('call')
  expect(server.seen).toEqual([
    ['m', 'last'],
    ['m', 'kept'],
    ['m', 'call'],
  ])
})

test('a connect listener that disconnects leaves the outbox for the next time', async () => {
  await using server = await startLog()
  using client = connect(server.url, { autoConnect: false })
  client.emit('m', 1)
  client.once('connect', () => {
    client.disconnect()
  })
  client.connect()
  await next(client, 'disconnect')
  await until(() => server.io.engine.clientsCount === 0)
  expect(server.seen).toEqual([])
  client.connect()
  await client.emitWithAck('done')
  expect(server.seen).toEqual([['m', 1]])
})

test('outboxes of namespaces are apart', async () => {
  await using server = await startLog((io) => io.of('/a').on('connection', (socket) => socket.on('m', (n) => n)))
  using main = connect(server.url, { autoConnect: false, outboxLimit: 1 })
  using other = connect(`${server.url}/a`, { autoConnect: false, outboxLimit: 1 })
  const calls = [main.emitWithAck('m', 1), other.emitWithAck('m', 2)]
  main.connect()
  other.connect()
  expect(await Promise.all(calls)).toEqual([1, 2])
})

test('a listener of "error" that disconnects while the outbox is sent leaves the rest for the next time', async () => {
  await using server = await startServer(
    (io) => {
      io.on('connection', (socket) => socket.on('m', (n: unknown) => n))
    },
    { maxHttpBufferSize: 2_048 },
  )
  using client = connect(server.url, { autoConnect: false })
  const first = client.emitWithAck('m', 1)
  // Too large for this server, which the client does not know yet.
  client.emit('m', 'x'.repeat(3_000))
  const rest = client.emitWithAck('m', 2)
  client.once('error', () => {
    client.disconnect()
  })
  const gone = next(client, 'disconnect')
  client.connect()
  const firstOutcome = first.catch((error: RoomcastError) => error.code)
  await gone
  client.connect()
  expect(await rest).toBe(2)
  expect([1, 'DISCONNECTED']).toContain(await firstOutcome)
})
