import type { Socket } from '@roomcast/client'
import type { Server } from '@roomcast/server'
import { expect, test } from 'vitest'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { createRandom, type Random } from '../../../test-kit/random'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { connectManager, disposable } from './support'

/*
 * A random script of emits, calls, faults of the network, and decisions of both applications, over two namespaces
 * of one connection. Whatever happens on the way:
 *
 *   every event arrives at most once, and in the order of the emits on its connection
 *   every call settles exactly once, and one that was answered was handled
 *   when the faults end, the client is connected, over one link, once in each namespace
 */

const STEPS = 400
const NAMESPACES = ['/', '/a']

interface Arrival {
  /** Id of the server's socket. */
  readonly id: string
  readonly nsp: string
  readonly n: number
}

/** The client's side of the script. */
class Script {
  /** How often each call settled, by its number. */
  readonly settled = new Map<number, number>()
  readonly answered: number[] = []
  private lastNumber = 0

  constructor(
    private readonly io: Server,
    private readonly proxy: FaultProxy,
    private readonly sockets: readonly Socket[],
    private readonly random: Random,
  ) {}

  step(): void {
    const { random, proxy } = this
    const socket = random.pick(this.sockets)
    const n = ++this.lastNumber
    switch (random.below(16)) {
      case 0:
        return proxy.cut(random.pick(['fin', 'reset']))
      case 1:
        return random.chance(0.5) ? proxy.refuse() : proxy.stall()
      case 2:
      case 3:
        return proxy.pass()
      case 4:
        return void socket.disconnect()
      case 5:
      case 6:
        return void socket.connect()
      case 7:
        return this.io.of(socket.nsp).disconnectSockets(random.chance(0.3))
      case 8:
      case 9:
      case 10:
        this.settled.set(n, 0)
        socket.timeout(200).emit('m', n, (error: Error | null) => {
          this.settled.set(n, (this.settled.get(n) ?? 0) + 1)
          if (error === null) this.answered.push(n)
        })
        return
      default:
        socket.emit('m', n)
    }
  }
}

test('nothing happens twice, nothing stays open, and all is well again when the faults end', async () => {
  const random = createRandom()
  const arrivals: Arrival[] = []
  await using server = await startServer((io) => {
    for (const nsp of NAMESPACES) {
      io.of(nsp).on('connection', (socket) => {
        socket.on('m', (n: number, ack?: () => void) => {
          arrivals.push({ id: socket.id, nsp, n })
          ack?.()
        })
      })
    }
  })
  await using proxy = await FaultProxy.start(server.port)
  const { manager, socket: opened } = connectManager(proxy.url, { timeout: 300 })
  using main = opened
  using other = disposable(manager.socket('/a'))
  const script = new Script(server.io, proxy, [main, other], random)
  for (let i = 0; i < STEPS; i++) {
    script.step()
    // Time for some of it to happen, and not for all of it.
    if (random.chance(0.5)) await new Promise((resolve) => setTimeout(resolve, random.below(6)))
  }

  proxy.pass()
  const hint = `SEED=${random.seed}`
  for (const socket of [main, other]) {
    // A kick may still be on its way, so it may have to be connected once more.
    const isAnswered = () =>
      socket
        .connect()
        .timeout(1_000)
        .emitWithAck('m', -1)
        .then(
          () => true,
          () => false,
        )
    await until(isAnswered, `${socket.nsp} to be connected, ${hint}`)
  }
  const count = (nsp: string) => server.io.of(nsp).sockets.size
  await until(() => server.io.engine.clientsCount === 1, `one connection on the server, ${hint}`)
  await until(() => count('/') === 1 && count('/a') === 1, `one socket in each namespace, ${hint}`)
  await until(() => [...script.settled.values()].every((times) => times > 0), `every call to settle, ${hint}`)

  const events = arrivals.filter(({ n }) => n > 0)
  const numbers = events.map(({ n }) => n)
  expect(new Set(numbers).size, hint).toBe(numbers.length)
  for (const id of new Set(events.map((event) => event.id))) {
    const own = events.filter((event) => event.id === id).map(({ n }) => n)
    expect(own, hint).toEqual([...own].sort((a, b) => a - b))
  }
  expect(
    [...script.settled.values()].filter((times) => times !== 1),
    hint,
  ).toEqual([])
  expect(
    script.answered.filter((n) => !numbers.includes(n)),
    hint,
  ).toEqual([])
  expect(server.faults, hint).toEqual([])
  // The script has done something.
  expect(proxy.accepted, hint).toBeGreaterThan(10)
  expect(numbers.length, hint).toBeGreaterThan(20)
})
