import { createCompactCodec, createHeader, readHeader } from '@roomcast/protocol'
import { describe, expect, test } from 'vitest'
import { errorOf, pair } from '../../../test-kit/clients'
import { RawSession } from '../../../test-kit/raw-room'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { arrived, enterAll, firsts, type Published, recordPublishes } from './latest-support'
import { connectOver, socketOf, startPolicies, TRANSPORTS } from './room-support'

const authorize = () => true

/** Positions of the events of a name that have come; 0 for none. */
function positionsOf(session: RawSession, event: string): number[] {
  return session.client.frames
    .filter((frame) => frame.type === 'EVENT' && frame.event === event)
    .map(({ bytes }) => readHeader(bytes, createHeader()).seq)
}

describe.each(TRANSPORTS)('over %s', (transport) => {
  test('latest values are ordinary events to who keeps up: all, in the order of everything else', async () => {
    await using server = await startServer()
    const { io } = server
    using ada = await connectOver(transport, server.port)
    enterAll(server, 'red', ada)
    const socket = socketOf(server, ada)
    io.to('red').latest('1').emit('m', 1)
    io.emit('m', 2)
    socket.latest('3').emit('m', 3)
    io.latest('4').emit('m', 4)
    io.to('red').latest('5').emit('m', 5)
    io.to('red').to(socket.id).latest('6').emit('m', 6)
    io.of('/').latest('7').emit('m', 7)
    socket.emit('m', 8)
    await until(() => firsts(ada, 'm').length === 8, 'all of them')
    expect(firsts(ada, 'm')).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(server.faults).toEqual([])
  })
})

describe('a latest value', () => {
  test('has no position, is in no history, and a session without it has recovered all the same', async () => {
    await using server = await startPolicies({ red: { history: true, authorize } }, { connectionStateRecovery: true })
    const { io } = server
    using ada = await RawSession.connect(server.port)
    await ada.join('red')
    io.to('red').emit('m', 1)
    io.to('red').latest('a').emit('v', 2)
    io.latest('a').emit('v', 3)
    socketOf(server, ada).latest('a').emit('v', 4)
    io.to(ada.sid).latest('a').emit('v', 5)
    io.to('red').emit('m', 6)
    await arrived(ada)
    expect(positionsOf(ada, 'v')).toEqual([0, 0, 0, 0])
    expect((await ada.history('red')).map(({ args }) => args[0])).toEqual([1, 6])
    ada.client.terminate()
    await until(() => !io.sockets.sockets.has(ada.sid), 'the link is lost')
    io.to('red').latest('a').emit('v', 7)
    io.to(ada.sid).latest('a').emit('v', 8)
    io.to('red').emit('m', 9)
    using back = await ada.resume(server.port)
    await arrived(back)
    expect(back.session).toMatchObject({ resumed: true, recovered: true })
    expect([firsts(back, 'v'), firsts(back, 'm')]).toEqual([[], [9]])
  })

  test('is the same as another of the same namespace, receivers, event and key, and of no others', async () => {
    await using server = await startServer()
    const { io } = server
    using ada = await RawSession.connect(server.port)
    enterAll(server, 'red', ada)
    enterAll(server, 'blue', ada)
    const socket = socketOf(server, ada)
    const published = recordPublishes(server)
    const idsOf = (emits: readonly (() => void)[]) => {
      published.length = 0
      for (const emit of emits) emit()
      return published.map(({ latest }) => latest?.id)
    }
    const same = idsOf([
      () => io.to('red').latest('a').emit('v', 1),
      () => io.latest('a').to('red').emit('v', 2),
      () => io.to('red').except('nobody').latest('a').emit('v', 3),
      () => io.to('red').latest('b').latest('a').emit('v', 4),
    ])
    expect(new Set(same).size).toBe(1)
    const both = idsOf([
      () => io.to('red').to('blue').latest('a').emit('v', 1),
      () => io.to('blue').to('red').latest('a').emit('v', 1),
    ])
    expect(new Set(both).size).toBe(1)
    const different = idsOf([
      () => io.to('red').latest('a').emit('v', 1),
      () => io.to('red').latest('b').emit('v', 1),
      () => io.to('blue').latest('a').emit('v', 1),
      () => io.to('red').latest('a').emit('w', 1),
      () => io.to('red').to('blue').latest('a').emit('v', 1),
      () => io.latest('a').emit('v', 1),
      () => socket.latest('a').emit('v', 1),
      () => io.to('red').emit('v', 1),
    ])
    expect(different).toHaveLength(8)
    expect(new Set(different).size).toBe(8)
    expect(different.at(-1)).toBeUndefined()
    expect(idsOf([() => socket.latest('a').emit('v', 1), () => io.to(socket.id).latest('a').emit('v', 1)])).toEqual([
      different[6],
      different[6],
    ])
  })

  test('takes no ack, and has a key of 1 to 128 bytes: INVALID_OPTION', async () => {
    await using server = await startServer()
    const { io } = server
    using one = await pair(server)
    const { socket } = one
    const ack = () => {}
    for (const run of [
      () => io.latest('a').emit('v', 1, ack),
      () => io.to('red').latest('a').emit('v', ack),
      () => io.to('red').latest('a').emitWithAck('v'),
      () => socket.latest('a').emit('v', ack),
      () => socket.latest('a').timeout(100).emit('v', ack),
      () => socket.latest('a').emitWithAck('v'),
      () => io.latest(''),
      () => io.to('red').latest('é'.repeat(65)),
      () => socket.latest('x'.repeat(129)),
      () => socket.broadcast.latest(7 as unknown as string),
    ]) {
      expect((await errorOf(run)).code).toBe('INVALID_OPTION')
    }
    expect(io.to('red').latest('é'.repeat(64)).emit('v')).toBe(true)
    expect(one.received).toEqual([])
  })

  test('is volatile or latest, whichever was said last', async () => {
    await using server = await startServer()
    const { io } = server
    using ada = await RawSession.connect(server.port)
    enterAll(server, 'red', ada)
    const published = recordPublishes(server)
    io.to('red').latest('a').volatile.emit('v', 1)
    io.to('red').volatile.latest('a').emit('v', 2)
    expect(published.map(({ latest }) => latest !== null)).toEqual([false, true])
  })
})

describe('the rule of a room', () => {
  const key = (event: string, symbol: unknown) => (event === 'quote' ? String(symbol) : undefined)

  test('makes latest values of emits to exactly such a room, unless the caller names a key', async () => {
    await using server = await startPolicies({ 'book:*': { latest: { key }, history: true } })
    const { io } = server
    using ada = await RawSession.connect(server.port)
    enterAll(server, 'book:1', ada)
    enterAll(server, 'other', ada)
    const published = recordPublishes(server)
    const idOf = (emit: () => void) => {
      emit()
      return published.at(-1)?.latest?.id
    }
    const byRule = idOf(() => io.to('book:1').emit('quote', 'AAPL', 1))
    expect(byRule).toBeDefined()
    expect(idOf(() => io.to('book:1').latest('AAPL').emit('quote', 'x', 1))).toBe(byRule)
    expect(idOf(() => io.to('book:1').latest('own').emit('quote', 'AAPL', 1))).not.toBe(byRule)
    expect(idOf(() => io.to('book:1').emit('news', 'AAPL'))).toBeUndefined()
    expect(idOf(() => io.to('book:1').to('other').emit('quote', 'AAPL', 1))).toBeUndefined()
    expect(idOf(() => io.to('book:1').volatile.emit('quote', 'AAPL', 1))).toBeUndefined()
    expect(idOf(() => io.to('book:1').emit('quote', 'AAPL', () => {}))).toBeUndefined()
    await arrived(ada)
    expect(positionsOf(ada, 'news')).toEqual([1])
  })

  test('that throws, or gives no key, is reported, and the event goes as any other', async () => {
    const bad: unknown[] = [7, '', 'x'.repeat(200), null]
    const rule = () => {
      if (bad.length === 0) throw new Error('no idea')
      return bad.shift() as string
    }
    await using server = await startPolicies({ red: { latest: { key: rule }, history: true } })
    using ada = await RawSession.connect(server.port)
    enterAll(server, 'red', ada)
    for (let i = 1; i <= 5; i++) server.io.to('red').emit('m', i)
    await arrived(ada)
    expect(positionsOf(ada, 'm')).toEqual([1, 2, 3, 4, 5])
    const context = { where: 'room policy', name: 'latest.key' }
    expect(server.faults.map((fault) => fault.context)).toEqual(Array(5).fill(context))
  })

  test('has a shape, or is refused', async () => {
    await using server = await startServer()
    for (const policy of [
      { latest: 1 },
      { latest: null },
      { latest: { key: 'a' } },
      { latest: { retain: 1 } },
      { latest: { merge: {} } },
      { flush: 'later' },
      { flush: null },
      { flush: {} },
      { flush: { tickMs: 0 } },
      { flush: { tickMs: 1.5 } },
      { flush: { tickMs: 1_001 } },
    ]) {
      const error = await errorOf(() => server.io.rooms('red', policy as never))
      expect([policy, error.code]).toEqual([policy, 'INVALID_OPTION'])
    }
  })
})

describe('a merge', () => {
  const codec = createCompactCodec()
  const argsOf = (frame: Uint8Array) => codec.decode(frame, readHeader(frame, createHeader()).bodyStart)

  async function mergeOf(merge: (older: unknown[], newer: unknown[]) => unknown[]) {
    const server = await startPolicies({ red: { latest: { key: () => 'k', merge } } })
    using ada = await RawSession.connect(server.port)
    enterAll(server, 'red', ada)
    const published = recordPublishes(server)
    server.io.to('red').emit('v', { bid: 1, ask: 3 })
    server.io.to('red').emit('v', { bid: 2 })
    const [older, newer] = published as [Published, Published]
    const merged = newer.latest?.merge?.(older.frame, newer.frame) as Uint8Array
    return { server, merged, newer: newer.frame }
  }

  test('makes one frame of two', async () => {
    const { server, merged } = await mergeOf(([older], [newer]) => [{ ...Object(older), ...Object(newer) }])
    await using _ = server
    expect(readHeader(merged, createHeader()).event).toBe('v')
    expect(argsOf(merged)).toEqual([{ bid: 2, ask: 3 }])
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['gives no list', () => 7 as unknown as unknown[]],
    ['gives what cannot be sent', () => [() => {}]],
  ])('that %s is reported, and the newer stands', async (_, merge) => {
    const { server, merged, newer } = await mergeOf(merge)
    await using _server = server
    expect(merged).toEqual(newer)
    expect(server.faults.map(({ context }) => context)).toEqual([{ where: 'room policy', name: 'latest.merge' }])
  })
})
