import { LIMITS, MESSAGE_TYPES, RoomcastError } from '@roomcast/protocol'
import type { RoomEmitter, Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { errorOf, pairs } from '../../../test-kit/clients'
import { RawClient } from '../../../test-kit/raw-client'
import { startServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'

// biome-ignore lint/suspicious/noExplicitAny: events of these tests are untyped
type AnyEmitter = RoomEmitter<any, any>

/** What the callback of a broadcast gets: the error, then the responses. */
function callback(emitter: Pick<AnyEmitter, 'emit'>, event: string, ...args: unknown[]): Promise<[unknown, unknown[]]> {
  return new Promise((resolve) => {
    emitter.emit(event, ...args, (error: unknown, responses: unknown[]) => resolve([error, responses]))
  })
}

/** A server with raw clients in the room "r", which answer only what the test sends. */
async function startRaw(count: number) {
  const server = await startServer()
  const clients: RawClient[] = []
  const sockets: Socket[] = []
  for (let i = 0; i < count; i++) {
    const connected = next(server.io as never, 'connection')
    clients.push(await RawClient.connect(server.port))
    const [socket] = (await connected) as [Socket]
    socket.join('r')
    sockets.push(socket)
  }
  return {
    server,
    clients: clients as [RawClient, RawClient, RawClient],
    sockets: sockets as [Socket, Socket, Socket],
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.terminate()
      await server[Symbol.asyncDispose]()
    },
  }
}

describe('answers of real clients', () => {
  test('the callback gets null and one response from each receiver', async () => {
    await using server = await startServer()
    using all = await pairs(server, 3)
    for (const [i, { client }] of all.entries()) client.on('q', (n: number, ack: (n: number) => void) => ack(n + i))
    const [error, responses] = await callback(server.io, 'q', 10)
    expect(error).toBeNull()
    expect(responses.sort()).toEqual([10, 11, 12])
  })

  test('emitWithAck resolves with one response from each receiver', async () => {
    await using server = await startServer()
    using all = await pairs(server, 3)
    for (const [i, { client, socket }] of all.entries()) {
      client.on('q', async (n: number) => ({ n: n + i, bytes: Uint8Array.of(i) }))
      if (i > 0) socket.join('r')
    }
    const responses = await server.io.to('r').timeout(5_000).emitWithAck('q', 10)
    expect(responses.sort((a: { n: number }, b: { n: number }) => a.n - b.n)).toEqual([
      { n: 11, bytes: Uint8Array.of(1) },
      { n: 12, bytes: Uint8Array.of(2) },
    ])
    expect(await server.io.except('r').emitWithAck('q', 0)).toEqual([{ n: 0, bytes: Uint8Array.of(0) }])
  })

  test('a socket that is in several of the rooms answers once, and socket.to does not ask itself', async () => {
    await using server = await startServer()
    using all = await pairs(server, 3)
    for (const [i, { client, socket }] of all.entries()) {
      client.on('q', () => i)
      socket.join(['a', 'b'])
    }
    expect((await server.io.to('a').to(['b', all[0].socket.id]).emitWithAck('q')).sort()).toEqual([0, 1, 2])
    const others = all[0].socket.to('a').to('b')
    expect((await others.emitWithAck('q')).sort()).toEqual([1, 2])
    expect((await all[0].socket.broadcast.emitWithAck('q')).sort()).toEqual([1, 2])
  })

  test('an answer without a value counts as undefined or null', async () => {
    await using server = await startServer()
    using all = await pairs(server, 2)
    all[0].client.on('q', (ack: () => void) => ack())
    all[1].client.on('q', (ack: (value: unknown) => void) => ack(null))
    expect((await server.io.emitWithAck('q')).map((value: unknown) => value ?? 'none')).toEqual(['none', 'none'])
  })

  test('with nobody there the answer is an empty list, at once', async () => {
    await using server = await startServer()
    expect(await server.io.emitWithAck('q')).toEqual([])
    using all = await pairs(server, 1)
    expect(await server.io.to('nobody').emitWithAck('q')).toEqual([])
    expect(await callback(server.io.to('nobody'), 'q')).toEqual([null, []])
    expect(await all[0].socket.broadcast.emitWithAck('q')).toEqual([])
    expect(await server.io.to('nobody').timeout(1).emitWithAck('q')).toEqual([])
  })

  test('a receiver whose handler fails gives HANDLER_FAILED, with the responses of the others', async () => {
    await using server = await startServer()
    using all = await pairs(server, 3)
    for (const [i, { client }] of all.entries()) {
      client.on('error', () => {})
      client.on('q', () => {
        if (i === 1) throw new Error('secret text')
        return i
      })
    }
    const [error, responses] = await callback(server.io, 'q')
    expect(error).toMatchObject({ code: 'HANDLER_FAILED' })
    expect(responses.sort()).toEqual([0, 2])
    const rejected = await errorOf(server.io.emitWithAck('q'))
    expect(rejected.code).toBe('HANDLER_FAILED')
    expect(rejected.message).not.toContain('secret')
    expect((rejected.data as { responses: unknown[] }).responses.sort()).toEqual([0, 2])
  })

  test('what cannot be encoded is refused, and nobody is asked', async () => {
    await using server = await startServer()
    using all = await pairs(server, 1)
    expect((await errorOf(server.io.emitWithAck('q', 10n))).code).toBe('NOT_ENCODABLE')
    expect((await errorOf(() => server.io.emit('q', 10n, () => {}))).code).toBe('NOT_ENCODABLE')
    server.io.emit('end')
    expect(await all[0].eventsBefore('end')).toEqual([])
  })

  test('a callback that throws is reported', async () => {
    await using server = await startServer()
    server.io.to('nobody').emit('q', () => {
      throw new Error('in the callback')
    })
    await until(() => server.faults.length === 1)
    expect(server.faults[0]?.context.where).toBe('listener')
  })
})

describe('answers that do not come, or come from elsewhere', () => {
  test('after the time the error is ACK_TIMEOUT, with the responses that came', async () => {
    await using it = await startRaw(3)
    const called = callback(it.server.io.timeout(500).to('r'), 'q')
    const promised = errorOf(it.server.io.to('r').timeout(500).emitWithAck('q'))
    const [first] = it.clients
    for (const answer of ['to the first', 'to the second']) {
      const { ackId } = await first.frame('EVENT')
      first.send({ type: MESSAGE_TYPES.ACK, ackId }, [answer])
    }
    const [error, responses] = await called
    expect(error).toMatchObject({ code: 'ACK_TIMEOUT', message: expect.stringContaining('2 receivers') })
    expect(responses).toEqual(['to the first'])
    expect(await promised).toMatchObject({ code: 'ACK_TIMEOUT', data: { responses: ['to the second'] } })
  })

  test('without timeout() the option ackTimeout counts', async () => {
    await using server = await startServer(() => {}, { ackTimeout: 40 })
    using client = await RawClient.connect(server.port)
    expect((await errorOf(server.io.emitWithAck('q'))).code).toBe('ACK_TIMEOUT')
    expect((await client.frame('EVENT')).event).toBe('q')
  })

  test('a receiver that leaves is not waited for, whichever way it goes', async () => {
    await using it = await startRaw(3)
    const call = it.server.io.timeout(60_000).to('r').emitWithAck('q')
    const frames = await Promise.all(it.clients.map((client) => client.frame('EVENT')))
    it.clients[0].send({ type: MESSAGE_TYPES.ACK, ackId: frames[0]?.ackId ?? -1 }, ['here'])
    it.clients[1].terminate()
    it.sockets[2].disconnect()
    expect(await call).toEqual(['here'])
  })

  test('a receiver that only leaves the room is waited for: it has got the question', async () => {
    await using it = await startRaw(1)
    const call = it.server.io.timeout(60_000).to('r').emitWithAck('q')
    it.sockets[0].leave('r')
    const { ackId } = await it.clients[0].frame('EVENT')
    it.clients[0].send({ type: MESSAGE_TYPES.ACK, ackId }, ['here'])
    expect(await call).toEqual(['here'])
  })

  test('second answers, late answers and answers of those not asked are ignored, and are no offence', async () => {
    await using it = await startRaw(3)
    const [first, second, stranger] = it.clients
    it.sockets[2].leave('r')
    const call = it.server.io.timeout(60_000).to('r').emitWithAck('q')
    const { ackId } = await first.frame('EVENT')
    for (let i = 0; i <= LIMITS.protocolErrors; i++) {
      first.send({ type: MESSAGE_TYPES.ACK, ackId }, [`first ${i}`])
      stranger.send({ type: MESSAGE_TYPES.ACK, ackId }, ['stranger'])
    }
    it.server.io.emit('marker')
    for (const client of [first, stranger]) client.emit('ping', [], 1)
    for (const client of [first, stranger]) await client.frame('ACK_ERROR')
    second.send({ type: MESSAGE_TYPES.ACK, ackId }, ['second'])
    expect(await call).toEqual(['first 0', 'second'])
    for (let i = 0; i <= LIMITS.protocolErrors; i++) second.send({ type: MESSAGE_TYPES.ACK, ackId }, ['late'])
    second.emit('ping', [], 1)
    await second.frame('ACK_ERROR')
    for (const client of it.clients) expect(client.frames.filter(({ type }) => type === 'ERROR')).toEqual([])
  })

  test('an error answer of a raw client is passed on with its code', async () => {
    await using it = await startRaw(1)
    const call = errorOf(it.server.io.to('r').emitWithAck('q'))
    const { ackId } = await it.clients[0].frame('EVENT')
    it.clients[0].send({ type: MESSAGE_TYPES.ACK_ERROR, ackId }, { code: 'BUSY', message: 'not now' })
    expect(await call).toMatchObject({ code: 'BUSY', data: { responses: [] } })
  })

  test(`broadcast ${LIMITS.pendingBroadcasts + 1} that waits is refused with TOO_MANY_PENDING_ACKS`, async () => {
    await using it = await startRaw(1)
    const calls = Array.from({ length: LIMITS.pendingBroadcasts }, () => it.server.io.emitWithAck('q'))
    const error = await errorOf(it.server.io.emitWithAck('q'))
    expect(error).toBeInstanceOf(RoomcastError)
    expect(error.code).toBe('TOO_MANY_PENDING_ACKS')
    it.clients[0].terminate()
    expect((await Promise.all(calls)).flat()).toEqual([])
  })
})
