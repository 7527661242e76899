import type { Server, Socket } from '@roomcast/server'
import { expect, test } from 'vitest'
import { createRandom, type Random } from '../../../test-kit/random'
import { RawClient } from '../../../test-kit/raw-client'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'

/*
 * One order: direct emits, room emits and acks to one client arrive in call order, each exactly once. A
 * random script runs against the server, and a model of sets beside it writes down who has to get what.
 */

const CLIENTS = 10
const ROOMS = ['a', 'b', 'c', 'd']
const LARGE = 'x'.repeat(20_000)

/** The script and its model. Every message has a number of its own. */
class Script {
  /** Message numbers by client, in the order of the calls. */
  readonly expected: number[][] = Array.from({ length: CLIENTS }, () => [])
  private readonly joined: Set<string>[] = Array.from({ length: CLIENTS }, () => new Set())
  private lastNumber = 0

  constructor(
    private readonly io: Server,
    private readonly sockets: readonly Socket[],
    private readonly random: Random,
  ) {}

  /** A call of the client was handled: the ack is a message like any other. */
  ack(client: number, ack: (number: number) => void): void {
    const number = ++this.lastNumber
    this.expected[client]?.push(number)
    ack(number)
  }

  step(): void {
    const { random } = this
    const client = random.below(CLIENTS)
    const socket = this.sockets[client] as Socket
    const rooms = this.joined[client] as Set<string>
    const room = random.pick(ROOMS)
    switch (random.below(8)) {
      case 0:
        rooms.add(room)
        return socket.join(room)
      case 1:
        rooms.delete(room)
        return socket.leave(room)
      case 2:
        return this.send([client], (number, ...args) => socket.emit('m', number, ...args))
      case 3:
        return this.send(this.members([room]), (number, ...args) => this.io.to(room).emit('m', number, ...args))
      case 4:
        return this.send(without(this.members([room]), client), (number, ...args) =>
          socket.to(room).emit('m', number, ...args),
        )
      case 5:
        return this.send(this.members(null), (number, ...args) => this.io.emit('m', number, ...args))
      default:
        return this.chain(client, socket)
    }
  }

  /** `to(a).to(b).except(c)`, with rooms and single sockets in any place. */
  private chain(client: number, socket: Socket): void {
    const { random } = this
    const isFromSocket = random.chance(0.5)
    const wanted = Array.from({ length: random.below(4) }, () => this.target())
    const excepted = Array.from({ length: random.below(3) }, () => this.target())
    let emitter = isFromSocket ? socket.broadcast : this.io.except([])
    for (const { name } of wanted) emitter = emitter.to(name)
    for (const { name } of excepted) emitter = emitter.except(name)
    const receivers = new Set(wanted.length === 0 ? this.members(null) : wanted.flatMap(({ clients }) => clients))
    for (const { clients } of excepted) for (const member of clients) receivers.delete(member)
    if (isFromSocket) receivers.delete(client)
    this.send([...receivers], (number, ...args) => emitter.emit('m', number, ...args))
  }

  private target(): { name: string; clients: number[] } {
    if (this.random.chance(0.3)) {
      const client = this.random.below(CLIENTS)
      return { name: (this.sockets[client] as Socket).id, clients: [client] }
    }
    const name = this.random.pick(ROOMS)
    return { name, clients: this.members([name]) }
  }

  private members(rooms: readonly string[] | null): number[] {
    const all = this.joined.map((_, client) => client)
    return rooms === null ? all : all.filter((client) => rooms.some((room) => this.joined[client]?.has(room)))
  }

  private send(receivers: readonly number[], emit: (number: number, ...args: unknown[]) => void): void {
    const number = ++this.lastNumber
    for (const client of receivers) this.expected[client]?.push(number)
    // Messages of 16 KB and more leave the engine by another way.
    emit(number, ...(this.random.chance(0.01) ? [LARGE] : []))
  }
}

function without(clients: readonly number[], client: number): number[] {
  return clients.filter((entry) => entry !== client)
}

/** What a client got, acks included, in order of arrival. */
function received(client: RawClient): unknown[] {
  return client.frames
    .filter(({ type }) => type === 'EVENT' || type === 'ACK')
    .map(({ body }) => (body as unknown[])[0])
}

test('every client gets every message meant for it once, in the order of the calls', async () => {
  const random = createRandom()
  const sockets: Socket[] = []
  let script: Script | undefined
  await using server = await startServer((io) => {
    io.on('connection', (socket) => {
      const client = sockets.push(socket) - 1
      socket.on('run', (steps: number, ack: (number: number) => void) => {
        for (let i = 0; i < steps; i++) script?.step()
        script?.ack(client, ack)
        for (let i = 0; i < steps; i++) script?.step()
      })
    })
  })
  const clients: RawClient[] = []
  for (let i = 0; i < CLIENTS; i++) clients.push(await RawClient.connect(server.port))
  script = new Script(server.io, sockets, random)

  let calls = 0
  for (let round = 0; round < 150; round++) {
    // From a timer, from a microtask, and from many message handlers of one turn.
    for (let i = random.below(60); i > 0; i--) script.step()
    await Promise.resolve()
    for (let i = random.below(10); i > 0; i--) script.step()
    for (const client of clients) {
      if (random.chance(0.5)) client.emit('run', [random.below(8)], ++calls)
      if (random.chance(0.3)) client.emit('run', [random.below(30)], ++calls)
    }
    if (random.chance(0.3))
      await until(() => clients.every((client, i) => received(client).length >= (script?.expected[i]?.length ?? 0)))
    else await new Promise((resolve) => setImmediate(resolve))
  }
  await until(() => acks(clients) === calls, 'all acks')
  server.io.emit('m', -1)
  await until(() => clients.every((client) => received(client).at(-1) === -1), 'the last message')

  const total = script.expected.flat().length
  expect(total).toBeGreaterThan(10_000)
  for (const [i, client] of clients.entries()) {
    expect(received(client), `client ${i}, SEED=${random.seed}`).toEqual([...(script.expected[i] ?? []), -1])
  }
  expect(server.faults).toEqual([])
  for (const client of clients) client.terminate()
}, 60_000)

function acks(clients: readonly RawClient[]): number {
  return clients.reduce((sum, client) => sum + client.frames.filter(({ type }) => type === 'ACK').length, 0)
}
