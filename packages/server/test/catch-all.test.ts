import { describe, expect, test } from 'vitest'
import { connect, type Pair, pair, pairs } from '../../../test-kit/clients'
import { startServer, type TestServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'

/** Sides have the same eight methods; these tests run on both. */
type CatchAll = Pick<
  Pair['socket'],
  | 'listenersAny'
  | 'listenersAnyOutgoing'
  | 'offAny'
  | 'offAnyOutgoing'
  | 'onAny'
  | 'onAnyOutgoing'
  | 'prependAny'
  | 'prependAnyOutgoing'
>

const SIDES = ['server', 'client'] as const

/** The socket on this side, and a function that makes the other side emit to it. */
function sideOf({ client, socket }: Pair, side: (typeof SIDES)[number]) {
  const subject = (side === 'server' ? socket : client) as unknown as Pair['socket']
  const other = (side === 'server' ? client : socket) as unknown as Pair['socket']
  return { subject, catchAll: subject as CatchAll, other }
}

/** A server without listeners of the kit on the client. */
async function startPlain(): Promise<AsyncDisposable & Pair & { server: TestServer }> {
  const server = await startServer()
  const one = await pair(server)
  one.client.offAny()
  return {
    ...one,
    server,
    async [Symbol.asyncDispose]() {
      one[Symbol.dispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

describe.each(SIDES)('on the %s', (side) => {
  test('onAny sees the name and arguments of every event that arrives, before its handlers', async () => {
    await using it = await startPlain()
    const { subject, catchAll, other } = sideOf(it, side)
    const log: unknown[] = []
    subject.on('a', (...args: unknown[]) => void log.push(['handler', ...args]))
    catchAll.onAny((event, ...args) => void log.push(['any', event, ...args]))
    other.emit('a', 1, { two: [2] })
    other.emit('nobody listens', Uint8Array.of(3))
    await until(() => log.length === 3)
    expect(log).toEqual([
      ['any', 'a', 1, { two: [2] }],
      ['handler', 1, { two: [2] }],
      ['any', 'nobody listens', Uint8Array.of(3)],
    ])
  })

  test('prependAny comes first, offAny removes one or all, listenersAny tells them in order', async () => {
    await using it = await startPlain()
    const { catchAll, other } = sideOf(it, side)
    const log: string[] = []
    const [first, second, third] = ['first', 'second', 'third'].map((name) => () => void log.push(name))
    if (!first || !second || !third) throw new Error('unreachable')
    catchAll.onAny(second).onAny(third).prependAny(first)
    expect(catchAll.listenersAny()).toEqual([first, second, third])
    other.emit('a')
    await until(() => log.length === 3)
    catchAll.offAny(second)
    catchAll.offAny(() => {})
    expect(catchAll.listenersAny()).toEqual([first, third])
    other.emit('a')
    await until(() => log.length === 5)
    expect(log).toEqual(['first', 'second', 'third', 'first', 'third'])
    catchAll.offAny()
    expect(catchAll.listenersAny()).toEqual([])
    other.emit('a')
    catchAll.onAny(first)
    other.emit('a')
    await until(() => log.length > 5)
    expect(log.slice(5).filter((name) => name !== 'first')).toEqual([])
  })

  test('onAnyOutgoing sees the name and arguments of every event that is emitted, in order', async () => {
    await using it = await startPlain()
    const { subject, catchAll } = sideOf(it, side)
    const log: unknown[] = []
    const second = (event: string, ...args: unknown[]) => void log.push(['second', event, ...args])
    catchAll.onAnyOutgoing(second)
    catchAll.prependAnyOutgoing((event) => void log.push(['first', event]))
    subject.emit('a', 1, { two: [2] })
    subject.emit('with ack', () => {})
    subject.emitWithAck('promised', 3).catch(() => {})
    subject.timeout(1_000).emit('timed', 4, () => {})
    subject.volatile.emit('volatile', 5)
    subject.send('text')
    const emitted = [
      ['a', 1, { two: [2] }],
      ['with ack'],
      ['promised', 3],
      ['timed', 4],
      ['volatile', 5],
      ['message', 'text'],
    ]
    expect(log).toEqual(
      emitted.flatMap(([event, ...args]) => [
        ['first', event],
        ['second', event, ...args],
      ]),
    )
    expect(catchAll.listenersAnyOutgoing()).toHaveLength(2)
    catchAll.offAnyOutgoing(second)
    subject.emit('b')
    expect(log.slice(12)).toEqual([['first', 'b']])
    catchAll.offAnyOutgoing()
    subject.emit('c')
    expect(log).toHaveLength(13)
    expect(catchAll.listenersAnyOutgoing()).toEqual([])
  })

  test('acks and the events of the library are not seen', async () => {
    await using it = await startPlain()
    const { subject, catchAll, other } = sideOf(it, side)
    const log: string[] = []
    catchAll.onAny((event) => void log.push(`in ${event}`))
    catchAll.onAnyOutgoing((event) => void log.push(`out ${event}`))
    subject.on('question', () => 'answer')
    other.on('back', () => 'answer')
    expect(await other.emitWithAck('question')).toBe('answer')
    expect(await subject.emitWithAck('back')).toBe('answer')
    it.client.disconnect()
    await until(() => !it.socket.connected)
    expect(log).toEqual(['in question', 'out back'])
  })

  test('a catch-all listener neither answers a call nor breaks it, whatever it returns or throws', async () => {
    await using it = await startPlain()
    const { subject, catchAll, other } = sideOf(it, side)
    it.client.on('error', () => {})
    const seen: string[] = []
    catchAll.onAny((event) => seen.push(event))
    catchAll.onAny(async () => 'not an answer')
    catchAll.onAny(() => {
      throw new Error('in the listener')
    })
    catchAll.onAny(async () => {
      throw new Error('in the async listener')
    })
    subject.on('question', (ack: (text: string) => void) => void setImmediate(() => ack('answer')))
    expect(await other.emitWithAck('question')).toBe('answer')
    expect(seen).toEqual(['question'])
    if (side === 'server') expect(it.server.faults).toHaveLength(2)
  })

  test('an outgoing listener that throws does not keep the event from leaving', async () => {
    await using it = await startPlain()
    const { subject, catchAll, other } = sideOf(it, side)
    it.client.on('error', () => {})
    let isHere = false
    other.on('a', () => {
      isHere = true
    })
    catchAll.onAnyOutgoing(() => {
      throw new Error('in the listener')
    })
    subject.emit('a')
    await until(() => isHere)
  })
})

describe('broadcasts', () => {
  test('the outgoing listeners of a socket see what is emitted to its rooms, once, and nothing else', async () => {
    await using server = await startServer()
    using all = await pairs(server, 3)
    const logs: string[][] = []
    for (const { socket } of all) {
      const log: string[] = []
      logs.push(log)
      socket.onAnyOutgoing((event, ...args) => void log.push([event, ...args].join(' ')))
    }
    all[0].socket.join(['a', 'b'])
    all[1].socket.join('a')
    server.io.emit('all', 1)
    server.io.to('a').to('b').emit('ab', 2)
    server.io.to('a').except('b').emit('a-b')
    all[0].socket.to('a').emit('to others')
    all[2].socket.broadcast.emit('broadcast')
    server.io.to(all[2].socket.id).emit('by id')
    server.io.to('nobody').emit('nobody')
    server.io.of('/other').emit('other')
    server.io
      .timeout(10)
      .to('b')
      .emit('asked', () => {})
    expect(logs).toEqual([
      ['all 1', 'ab 2', 'broadcast', 'asked'],
      ['all 1', 'ab 2', 'a-b', 'to others', 'broadcast'],
      ['all 1', 'by id'],
    ])
    all[0].socket.offAnyOutgoing()
    all[1].client.disconnect()
    await until(() => !all[1].socket.connected)
    server.io.emit('later')
    expect(logs.map((log) => log.at(-1))).toEqual(['asked', 'broadcast', 'later'])
    all[2].socket.offAnyOutgoing()
    server.io.emit('unseen')
    expect(logs.map((log) => log.at(-1))).toEqual(['asked', 'broadcast', 'later'])
    await until(() => all[2].received.some(([event]) => event === 'unseen'))
  })

  test('a listener that middleware registered sees broadcasts once its socket is admitted', async () => {
    const log: string[] = []
    await using server = await startServer((io) => {
      io.use((socket, next) => {
        socket.onAnyOutgoing((event) => void log.push(event))
        next()
      })
    })
    using one = await pair(server)
    server.io.emit('all')
    expect(await one.eventsBefore('all')).toEqual([])
    expect(log).toEqual(['all'])
  })

  test('nothing is kept of a socket that middleware refused, or that has gone', async () => {
    await using server = await startServer((io) => {
      io.use((socket, next) => {
        socket.onAnyOutgoing(() => {})
        next(socket.handshake.auth.refused ? new Error('no') : undefined)
      })
    })
    const { observed } = server.io.of('/') as unknown as { observed: Set<unknown> }
    const refused = connect(server.url, { auth: { refused: true } })
    await next(refused, 'connect_error')
    refused.disconnect()
    const one = await pair(server)
    expect(observed).toEqual(new Set([one.socket]))
    one[Symbol.dispose]()
    await until(() => observed.size === 0)
  })
})
