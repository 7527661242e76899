import { LIMITS } from '@roomcast/protocol'
import type { Server, Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { createRandom, type Random } from '../../../test-kit/random'
import { RawClient } from '../../../test-kit/raw-client'
import { RawSession } from '../../../test-kit/raw-room'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { arrived, chooseRate, enterAll, firsts, recordPublishes } from './latest-support'
import { connectOver, socketOf, startPolicies, TRANSPORTS } from './room-support'

const authorize = () => true
/** So long that nothing leaves by itself while a test runs. */
const LONG = { tickMs: 1_000 }

describe.each(TRANSPORTS)('over %s', (transport) => {
  test('what a room is sent in a tick comes together at its end, in order; direct messages overtake it', async () => {
    await using server = await startPolicies({ game: { flush: { tickMs: 50 } } })
    using ada = await connectOver(transport, server.port)
    enterAll(server, 'game', ada)
    for (let i = 1; i <= 20; i++) server.io.to('game').emit('m', i)
    socketOf(server, ada).emit('direct')
    expect(firsts(ada, 'm')).toEqual([])
    await until(() => firsts(ada, 'm').length === 20, 'the end of the tick')
    expect(firsts(ada, 'm')).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    const events = ada.client.frames.filter(({ type }) => type === 'EVENT').map(({ event }) => event)
    expect(events[0]).toBe('direct')
  })
})

describe('a room with a tick', () => {
  test('holds what it is sent, and other rooms do not', async () => {
    await using server = await startPolicies({ game: { flush: LONG }, chat: { flush: 'immediate' } })
    using ada = await RawSession.connect(server.port)
    for (const room of ['game', 'chat', 'plain']) enterAll(server, room, ada)
    const published = recordPublishes(server)
    for (const room of ['game', 'chat', 'plain', 'game']) server.io.to(room).emit('m', room)
    expect(published.map(({ args }) => args[0])).toEqual(['chat', 'plain'])
  })

  test('publishes the ticks of several rooms in one turn of the loop', async () => {
    await using server = await startPolicies({ 'game:*': { flush: { tickMs: 200 } } })
    using ada = await RawSession.connect(server.port)
    for (const room of ['game:1', 'game:2']) enterAll(server, room, ada)
    const published = recordPublishes(server)
    const turns: number[] = []
    server.io.to('game:1').emit('m', 1)
    await new Promise((resolve) => setImmediate(resolve))
    server.io.to('game:2').emit('m', 2)
    server.io.to('game:1').emit('m', 3)
    await new Promise<void>((resolve) => {
      const look = () => {
        turns.push(published.length)
        if (published.length === 3) resolve()
        else setImmediate(look)
      }
      look()
    })
    expect([...new Set(turns)]).toEqual([0, 3])
    expect(published.map(({ args }) => args[0])).toEqual([1, 3, 2])
  })

  test('publishes early what is more than 1 MiB, before somebody comes or goes, and before a message for several rooms', async () => {
    await using server = await startPolicies({ game: { flush: LONG } })
    using ada = await RawSession.connect(server.port)
    using bob = await RawSession.connect(server.port)
    enterAll(server, 'game', ada)
    enterAll(server, 'other', ada)
    const published = recordPublishes(server)
    const values = () => published.map(({ args }) => args[0])
    const { io } = server
    io.to('game').emit('m', 1)
    io.to('game').emit('m', 2, new Uint8Array(LIMITS.pacedBytes))
    expect(values()).toEqual([1, 2])
    io.to('game').emit('m', 3)
    enterAll(server, 'game', bob)
    expect(values()).toEqual([1, 2, 3])
    io.to('game').emit('m', 4)
    io.to('other').to('game').emit('m', 5)
    expect(values().slice(0, 5)).toEqual([1, 2, 3, 4, 5])
    io.to('game').emit('m', 6)
    socketOf(server, bob).leave('game')
    expect(values().at(-1)).toBe(6)
    await arrived(ada, bob)
    expect(firsts(ada, 'm')).toEqual([1, 2, 3, 4, 5, 6])
    expect(firsts(bob, 'm')).toEqual([4, 5, 6])
  })

  test('gives who is disconnected, and who is there when the server closes, what it holds', async () => {
    await using server = await startPolicies({ game: { flush: LONG } })
    using ada = await RawSession.connect(server.port)
    using bob = await RawSession.connect(server.port)
    using cyd = await RawSession.connect(server.port)
    enterAll(server, 'game', ada, bob, cyd)
    server.io.to('game').emit('m', 1)
    socketOf(server, ada).disconnect()
    server.io.to('game').emit('m', 2)
    socketOf(server, bob).disconnect(true)
    server.io.to('game').emit('m', 3)
    await server.io.close()
    await cyd.client.close()
    await until(() => ada.client.frames.some(({ type }) => type === 'DISCONNECT'), 'DISCONNECT')
    const names = ada.client.frames.map(({ type }) => type)
    expect(names.indexOf('EVENT')).toBeLessThan(names.indexOf('DISCONNECT'))
    expect([ada, bob, cyd].map((session) => firsts(session, 'm'))).toEqual([[1], [1, 2], [1, 2, 3]])
  })

  test('asks at the end of the tick whether volatile messages may go, and leaves out whom it would have left out', async () => {
    await using server = await startPolicies({ game: { flush: LONG } })
    using ada = await RawSession.connect(server.port)
    using bob = await RawSession.connect(server.port)
    enterAll(server, 'game', ada, bob)
    const [first, second] = [socketOf(server, ada), socketOf(server, bob)]
    server.io.to('game').volatile.emit('m', 1)
    server.io.to('game').except('shy').emit('m', 2)
    first.to('game').emit('m', 3)
    // Too late to be left out.
    second.join('shy')
    server.io.to('game').except('shy').emit('m', 4)
    second.leave('shy')
    second.leave('game')
    await arrived(ada, bob)
    expect(firsts(ada, 'm')).toEqual([1, 2, 4])
    expect(firsts(bob, 'm')).toEqual([1, 2, 3])
  })

  test('with history: what is joined in the middle of ticks has no hole, and nothing comes twice', async () => {
    await using server = await startPolicies({
      game: { authorize, history: true, snapshot: 1_000, flush: { tickMs: 10 } },
    })
    const { io } = server
    const sessions = await Promise.all(Array.from({ length: 6 }, () => RawSession.connect(server.port)))
    let number = 0
    const timer = setInterval(() => {
      for (let i = 0; i < 7; i++) io.to('game').emit('m', number++)
    }, 1)
    const shown: number[][] = []
    for (const session of sessions) {
      const { messages = [] } = await session.join('game')
      shown.push(messages.map(({ args }) => args[0] as number))
      const at = number
      await until(() => number > at + 30)
    }
    clearInterval(timer)
    await until(() => sessions.every((session) => firsts(session, 'm').at(-1) === number - 1), 'the last message')
    for (const [i, session] of sessions.entries()) {
      const stream = session.stream('game')
      expect([stream.missing, stream.duplicates]).toEqual([[], 0])
      const all = [...(shown[i] ?? []), ...(firsts(session, 'm') as number[])]
      expect(all).toEqual(all.map((_, index) => index + number - all.length))
      session.client.terminate()
    }
    expect(server.faults).toEqual([])
  })

  test('has latest values and rates as any other', async () => {
    await using server = await startPolicies({ game: { authorize, flush: { tickMs: 5 } } })
    using ada = await RawSession.connect(server.port)
    using bob = await RawSession.connect(server.port)
    await ada.join('game')
    await bob.join('game')
    await chooseRate(ada, 'game', 10)
    for (let i = 1; i <= 50; i++) server.io.to('game').latest('k').emit('v', i)
    await until(() => firsts(ada, 'v').at(-1) === 50 && firsts(bob, 'v').length === 50, 'the last value')
    expect(firsts(ada, 'v')).toEqual([1, 50])
  })
})

/*
 * Ticks in random company: who receives what is exact, messages that have a room in common keep their order, and so do all that are not held.
 */

const CLIENTS = 8
const ROOMS = ['a', 'b', 'c', 'd']
const HELD = new Set(['a', 'b', 'd'])

interface Message {
  readonly number: number
  readonly rooms: readonly string[]
}

class Script {
  readonly expected: Message[][] = Array.from({ length: CLIENTS }, () => [])
  private readonly joined: Set<string>[] = Array.from({ length: CLIENTS }, () => new Set())
  private lastNumber = 0

  constructor(
    private readonly io: Server,
    private readonly sockets: readonly Socket[],
    private readonly random: Random,
  ) {}

  step(): void {
    const { random } = this
    const client = random.below(CLIENTS)
    const socket = this.sockets[client] as Socket
    const rooms = this.joined[client] as Set<string>
    const room = random.pick(ROOMS)
    switch (random.below(10)) {
      case 0:
        rooms.add(room)
        return socket.join(room)
      case 1:
        rooms.delete(room)
        return socket.leave(room)
      case 2:
        return this.send([client], [], (number) => socket.emit('m', number))
      case 3:
        return this.send(this.all(), [], (number) => this.io.emit('m', number))
      case 4:
        return this.send(without(this.members([room]), [client]), [room], (number) => socket.to(room).emit('m', number))
      case 5: {
        const other = random.pick(ROOMS)
        const receivers = without(this.members([room]), this.members([other]))
        return this.send(receivers, [room], (number) => this.io.to(room).except(other).emit('m', number))
      }
      case 6: {
        const two = [room, random.pick(ROOMS)]
        return this.send(this.members(two), two, (number) => this.io.to(two).emit('m', number))
      }
      default:
        return this.send(this.members([room]), [room], (number) => this.io.to(room).emit('m', number))
    }
  }

  private all(): number[] {
    return this.joined.map((_, client) => client)
  }

  private members(rooms: readonly string[]): number[] {
    return this.all().filter((client) => rooms.some((room) => this.joined[client]?.has(room)))
  }

  private send(receivers: readonly number[], rooms: readonly string[], emit: (number: number) => void): void {
    const number = ++this.lastNumber
    for (const client of receivers) this.expected[client]?.push({ number, rooms })
    emit(number)
  }
}

function without(clients: readonly number[], left: readonly number[]): number[] {
  return clients.filter((client) => !left.includes(client))
}

/** Whether a message waits for a tick: one for one room, which has one. */
function isHeld({ rooms }: Message): boolean {
  return rooms.length === 1 && HELD.has(rooms[0] as string)
}

test('with ticks everybody gets exactly what was meant for them, and in order within each room', async () => {
  const random = createRandom()
  const sockets: Socket[] = []
  let script: Script | undefined
  await using server = await startServer((io) => {
    io.rooms('a', { flush: { tickMs: 2 } })
    io.rooms('b', { flush: { tickMs: 2 } })
    io.rooms('d', { flush: { tickMs: 15 } })
    io.on('connection', (socket) => {
      sockets.push(socket)
      socket.on('run', (steps: number) => {
        for (let i = 0; i < steps; i++) script?.step()
      })
    })
  })
  const clients: RawClient[] = []
  for (let i = 0; i < CLIENTS; i++) clients.push(await RawClient.connect(server.port))
  script = new Script(server.io, sockets, random)
  for (let round = 0; round < 200; round++) {
    for (let i = random.below(40); i > 0; i--) script.step()
    if (random.chance(0.5)) random.pick(clients).emit('run', [random.below(40)])
    if (random.chance(0.5)) await new Promise((resolve) => setTimeout(resolve, random.below(4)))
  }
  const { expected } = script
  const received = (client: RawClient) =>
    client.frames.filter(({ type }) => type === 'EVENT').map(({ body }) => (body as number[])[0] as number)
  await until(() => clients.every((client, i) => received(client).length >= (expected[i]?.length ?? 0)), 'all messages')
  for (const room of ROOMS) server.io.to(room).emit('m', -1)
  for (const [i, client] of clients.entries()) {
    const what = `client ${i}, SEED=${random.seed}`
    const mine = expected[i] ?? []
    const came = received(client).filter((number) => number > 0)
    expect(
      [...came].sort((a, b) => a - b),
      what,
    ).toEqual(mine.map(({ number }) => number))
    const places = new Map(came.map((number, place) => [number, place]))
    const isInOrder = (messages: readonly Message[]) => {
      const order = messages.map(({ number }) => places.get(number) as number)
      return order.every((place, at) => at === 0 || place > (order[at - 1] as number))
    }
    for (const room of ROOMS)
      expect(isInOrder(mine.filter(({ rooms }) => rooms.includes(room))), `${what}, ${room}`).toBe(true)
    expect(isInOrder(mine.filter((message) => !isHeld(message))), `${what}, not held`).toBe(true)
    client.terminate()
  }
  expect(server.faults).toEqual([])
}, 60_000)
