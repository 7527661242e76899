import { CLOSE_CODES, LIMITS, MESSAGE_TYPES } from '@roomcast/protocol'
import { describe, expect, it } from 'vitest'
import { errorOf, pair } from '../../../test-kit/clients'
import { RawClient } from '../../../test-kit/raw-client'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'

/** Handlers that wait until the test lets them go, one by one. */
class Gates {
  readonly begun: unknown[] = []
  readonly ended: unknown[] = []
  private readonly waiting = new Map<unknown, () => void>()

  async pass<Name>(name: Name): Promise<Name> {
    this.begun.push(name)
    await new Promise<void>((resolve) => this.waiting.set(name, resolve))
    this.ended.push(name)
    return name
  }

  open(name: unknown): void {
    this.waiting.get(name)?.()
    this.waiting.delete(name)
  }
}

const TRANSPORTS = ['websocket', 'polling'] as const

describe('handlers of one socket', () => {
  it.each(TRANSPORTS)(
    'run one after the other, each when the promise of the one before has settled (%s)',
    async (transport) => {
      const order: string[] = []
      await using server = await startServer((io) => {
        io.on('connection', (socket) => {
          socket.on('work', async (n: number) => {
            order.push(`begin ${n}`)
            // The first takes the longest.
            for (let turn = 0; turn < 20 - n; turn++) await new Promise(setImmediate)
            order.push(`end ${n}`)
            if (n % 7 === 3) throw new Error('a failure is an end too')
            return n
          })
        })
      })
      using user = await pair(server, { transports: [transport] })
      const results = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => user.client.emitWithAck('work', n)))
      expect(order).toEqual(Array.from({ length: 20 }, (_, n) => [`begin ${n}`, `end ${n}`]).flat())
      expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(3)
    },
  )

  it('keep events, calls that take effect once and requests of the library in one order', async () => {
    const gates = new Gates()
    const seen: string[] = []
    await using server = await startServer((io) => {
      io.rooms('r', { authorize: () => seen.push('join') > 0 })
      io.on('connection', (socket) => {
        socket.on('slow', () => gates.pass('slow'))
        socket.on('event', () => void seen.push('event'))
        socket.on('call', () => seen.push('call'))
      })
    })
    using user = await pair(server)
    user.client.emit('slow')
    user.client.emit('event')
    const call = user.client.idempotent.emitWithAck('call')
    const room = user.client.join('r')
    await until(() => gates.begun.length === 1)
    // What another socket sends does not wait, and shows that all of it has come.
    using other = await pair(server)
    await other.client.emitWithAck('call')
    expect(seen.splice(0)).toEqual(['call'])
    gates.open('slow')
    await Promise.all([call, room])
    expect(seen).toEqual(['event', 'call', 'join'])
  })

  it('may wait for an answer of their own client, which is never held', async () => {
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.on('ask me', async () => `client says ${await socket.emitWithAck('question')}`)
      })
    })
    using user = await pair(server)
    user.client.on('question', () => 42)
    expect(await Promise.all([user.client.emitWithAck('ask me'), user.client.emitWithAck('ask me')])).toEqual([
      'client says 42',
      'client says 42',
    ])
  })

  it('of several listeners for one event run together, and the next event waits for all of them', async () => {
    const gates = new Gates()
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.on('a', () => gates.pass('first'))
        socket.on('a', () => gates.pass('second'))
        socket.on('b', () => gates.begun.push('b'))
      })
    })
    using user = await pair(server)
    user.client.emit('a')
    const last = user.client.emitWithAck('b')
    await until(() => gates.begun.length === 2)
    gates.open('second')
    await until(() => gates.ended.length === 1)
    expect(gates.begun).toEqual(['first', 'second'])
    gates.open('first')
    await last
    expect(gates.begun).toEqual(['first', 'second', 'b'])
  })

  it('begin in order behind middleware that takes its time', async () => {
    const seen: string[] = []
    const waiting: (() => void)[] = []
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.use(([event], next) => {
          if (event === 'checked') waiting.push(next)
          else next()
        })
        socket.on('checked', () => void seen.push('checked'))
        socket.on('free', () => seen.push('free'))
      })
    })
    using user = await pair(server)
    user.client.emit('checked')
    const free = user.client.emitWithAck('free')
    await until(() => waiting.length === 1)
    expect(seen).toEqual([])
    waiting[0]?.()
    await free
    expect(seen).toEqual(['checked', 'free'])
  })

  it('run at once as many as `concurrency` says', async () => {
    const gates = new Gates()
    await using server = await startServer(
      (io) => io.on('connection', (socket) => socket.on('work', (n: number) => gates.pass(n))),
      { concurrency: 2 },
    )
    using user = await pair(server)
    const results = [0, 1, 2, 3].map((n) => user.client.emitWithAck('work', n))
    await until(() => gates.begun.length === 2)
    expect(gates.begun).toEqual([0, 1])
    gates.open(1)
    expect(await results[1]).toBe(1)
    await until(() => gates.begun.length === 3)
    expect(gates.begun).toEqual([0, 1, 2])
    gates.open(0)
    await until(() => gates.begun.length === 4)
    gates.open(2)
    gates.open(3)
    expect(await Promise.all(results)).toEqual([0, 1, 2, 3])
  })

  it('run all at once with a concurrency of Infinity', async () => {
    const gates = new Gates()
    await using server = await startServer(
      (io) => io.on('connection', (socket) => socket.on('work', (n: number) => gates.pass(n))),
      { concurrency: Number.POSITIVE_INFINITY, handlerTimeout: 50 },
    )
    using user = await pair(server)
    const results = Array.from({ length: 100 }, (_, n) => user.client.emitWithAck('work', n))
    await until(() => gates.begun.length === 100)
    for (let n = 99; n >= 0; n--) gates.open(n)
    await Promise.all(results)
    expect(server.faults).toEqual([])
  })

  it('that never end hold nobody up for longer than `handlerTimeout`, and onError is told once', async () => {
    const gates = new Gates()
    await using server = await startServer(
      (io) => io.on('connection', (socket) => socket.on('work', (n: number) => gates.pass(n))),
      { handlerTimeout: 100 },
    )
    using user = await pair(server)
    const late = user.client.emitWithAck('work', 'late')
    const next = user.client.emitWithAck('work', 'next')
    await until(() => gates.begun.length === 2)
    gates.open('next')
    expect(await next).toBe('next')
    // The answer of the late one is sent when it comes.
    gates.open('late')
    expect(await late).toBe('late')
    expect(server.faults).toHaveLength(1)
    expect(server.faults[0]).toMatchObject({
      error: { code: 'HANDLER_TIMEOUT' },
      context: { where: 'event handler', name: 'work', socketId: user.socket.id },
    })
  })

  it('that are behind one which takes its time are not run for a socket that has left', async () => {
    const gates = new Gates()
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.on('work', (n: number) => gates.pass(n))
      })
    })
    using user = await pair(server)
    user.client.emit('work', 1)
    user.client.emit('work', 2)
    await until(() => gates.begun.length === 1)
    user.client.disconnect()
    await until(() => !user.socket.connected)
    gates.open(1)
    await until(() => gates.ended.length === 1)
    using other = await pair(server)
    const third = other.client.emitWithAck('work', 3)
    await until(() => gates.begun.length === 2)
    gates.open(3)
    await third
    expect(gates.begun).toEqual([1, 3])
  })

  it('hold a bounded number of events; a client that sends more is closed with HELD_LIMIT', async () => {
    const gates = new Gates()
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.on('work', () => gates.pass('work'))
        socket.on('free', () => 'free')
      })
    })
    using bystander = await pair(server)
    using client = await RawClient.connect(server.port)
    for (let n = 0; n <= LIMITS.heldFrames; n++) client.emit('work')
    expect(client.closed).toBeNull()
    client.emit('work')
    expect(await client.close()).toMatchObject({ code: CLOSE_CODES.HELD_LIMIT })
    expect(await bystander.client.emitWithAck('free')).toBe('free')
    expect(gates.begun).toHaveLength(1)
  })

  it('of some who fill the queues leave room for what others send', async () => {
    const gates = new Gates()
    await using server = await startServer(
      (io) => {
        io.on('connection', (socket) => {
          socket.on('work', () => gates.pass(socket.id))
          socket.on('free', () => 'free')
        })
      },
      { handlerTimeout: 60_000 },
    )
    const hostile: RawClient[] = []
    const payload = new Uint8Array(LIMITS.heldBytes / 8 - 100)
    for (let n = 0; n < (1.5 * LIMITS.heldBytesOfAll) / LIMITS.heldBytes; n++) {
      const client = await RawClient.connect(server.port)
      hostile.push(client)
      client.emit('work')
      for (let i = 0; i < 8; i++) client.emit('work', [payload])
      client.send({ type: MESSAGE_TYPES.PING }, null)
      await Promise.race([client.frame('PONG').catch(() => {}), client.close()])
    }
    expect(hostile.some(({ closed }) => closed?.code === CLOSE_CODES.HELD_LIMIT)).toBe(true)
    using bystander = await RawClient.connect(server.port)
    bystander.emit('work')
    bystander.emit('free', [new Uint8Array(100_000)], 1)
    bystander.send({ type: MESSAGE_TYPES.PING }, null)
    await bystander.frame('PONG')
    gates.open(gates.begun.at(-1))
    expect((await bystander.frame('ACK')).body).toEqual(['free'])
    for (const client of hostile) client.terminate()
  })

  it('refuses a concurrency and a handlerTimeout that make no sense', async () => {
    for (const concurrency of [0, -1, 1.5, Number.NaN]) {
      expect((await errorOf(() => startServer(undefined, { concurrency }))).code).toBe('INVALID_OPTION')
    }
    expect((await errorOf(() => startServer(undefined, { handlerTimeout: 0 }))).code).toBe('INVALID_OPTION')
  })
})
