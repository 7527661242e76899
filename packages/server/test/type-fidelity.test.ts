import { createMsgpackrCodec } from '@roomcast/protocol/msgpackr'
import type { Socket } from '@roomcast/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errorOf, type Pair, pair } from '../../../test-kit/clients'
import { startServer, type TestServer } from '../../../test-kit/server'
import { CARRIED, NEGATIVE_ZERO, nested, REFUSED } from '../../protocol/test/type-table'

/*
 * The table of values of the codec, over a connection: as an argument and as an answer, in both directions,
 * and to a room. What is refused is refused where it is emitted.
 */

/** The list of arguments is a level of its own, so one of the table is left for them. */
const ROWS = CARRIED.filter(({ title }) => title !== 'nesting of 16').concat({
  title: 'nesting of 15',
  make: () => nested(15),
  arrives: () => nested(15),
})

const CODECS = [
  { name: 'the compact codec', options: {}, carried: [...ROWS, NEGATIVE_ZERO] },
  { name: 'msgpackr on the server', options: { codec: createMsgpackrCodec() }, carried: ROWS },
]

describe.each(CODECS)('with $name', ({ options, carried }) => {
  let server: TestServer
  let one: Pair
  /** The arguments of the last "keep", on either side. */
  let got: unknown[] = []

  beforeAll(async () => {
    server = await startServer((io) => {
      io.on('connection', (socket: Socket) => {
        socket.join('r')
        socket.on('keep', (...args: unknown[]) => {
          got = args.slice(0, -1)
          return 'kept'
        })
        socket.on('ask', (index: number, ack: (...results: unknown[]) => void) => ack(carried[index]?.make(), 'end'))
      })
    }, options)
    one = await pair(server)
    one.client.on('keep', (...args: unknown[]) => {
      got = args.slice(0, -1)
      return 'kept'
    })
    one.client.on('ask', (index: number, ack: (...results: unknown[]) => void) => ack(carried[index]?.make(), 'end'))
  })

  afterAll(async () => {
    one[Symbol.dispose]()
    await server[Symbol.asyncDispose]()
  })

  test.each(carried.map((row, index) => ({ ...row, index })))('$title', async ({ make, arrives, index }) => {
    const expected = arrives()
    expect(await one.client.emitWithAck('keep', make())).toBe('kept')
    expect(got, 'to the server').toStrictEqual([expected])
    expect(await one.socket.emitWithAck('keep', make())).toBe('kept')
    expect(got, 'to the client').toStrictEqual([expected])
    expect(await server.io.to('r').emitWithAck('keep', make())).toEqual(['kept'])
    expect(got, 'to a room').toStrictEqual([expected])
    const fromServer = new Promise((resolve) => one.client.emit('ask', index, (...args: unknown[]) => resolve(args)))
    expect(await fromServer, 'as an answer of the server').toStrictEqual([expected, 'end'])
    const fromClient = new Promise((resolve) => one.socket.emit('ask', index, (...args: unknown[]) => resolve(args)))
    expect(await fromClient, 'as an answer of the client').toStrictEqual([expected, 'end'])
  })

  test.each(REFUSED)('$title is refused', async ({ make, reason }) => {
    // A function at the end of the arguments is an ack.
    const args = () => [make(), 'end']
    for (const emit of [
      () => one.socket.emit('keep', ...args()),
      () => one.client.emit('keep', ...args()),
      () => server.io.emit('keep', ...args()),
      () => server.io.to('r').emit('keep', ...args()),
      () => one.socket.emitWithAck('keep', make()),
      () => one.client.emitWithAck('keep', make()),
      () => server.io.emitWithAck('keep', make()),
    ]) {
      const error = await errorOf(emit)
      expect(error.code).toBe('NOT_ENCODABLE')
      expect(error.message).toMatch(reason)
      expect(error.message).not.toContain('secret')
    }
    expect(await one.client.emitWithAck('keep', 1)).toBe('kept')
    expect(got).toEqual([1])
  })
})

test('values that were received stay as they are when later frames arrive', async () => {
  await using server = await startServer()
  using one = await pair(server)
  const kept: Uint8Array[] = []
  one.socket.on('bytes', (bytes: Uint8Array) => void kept.push(bytes))
  for (let i = 0; i < 200; i++) one.client.emit('bytes', new Uint8Array(500).fill(i))
  await one.client.emitWithAck('end').catch(() => {})
  expect(kept).toHaveLength(200)
  for (const [i, bytes] of kept.entries())
    expect(
      bytes.every((byte) => byte === i),
      `frame ${i}`,
    ).toBe(true)
})

test('the server does not keep the bytes that it was given: a buffer may be reused after emit', async () => {
  await using server = await startServer()
  using one = await pair(server)
  one.socket.join('r')
  const buffer = new Uint8Array(100)
  for (let i = 0; i < 100; i++) {
    buffer.fill(i)
    if (i % 2 === 0) one.socket.emit('bytes', buffer)
    else server.io.to('r').emit('bytes', buffer)
  }
  buffer.fill(255)
  server.io.emit('end')
  await one.eventsBefore('end')
  for (const [i, [event, bytes]] of one.received.entries()) {
    if (event === 'bytes')
      expect(
        (bytes as Uint8Array).every((byte) => byte === i),
        `frame ${i}`,
      ).toBe(true)
  }
})
