import type { Socket } from '@roomcast/client'
import { RoomcastError } from '@roomcast/protocol'
import type { Server } from '@roomcast/server'
import { expect, test } from 'vitest'
import { History } from '../../../test-kit/history/history'
import { createRandom, type Random } from '../../../test-kit/random'
import { startServer } from '../../../test-kit/server'
import { Line, MIXED, moment } from './delivery-support'
import { connect, eventually } from './fault-support'

/*
 * Links are cut at random bytes, in either direction, with FIN and RST, while they open and while they are used; and some stay
 * half open, so that the server believes in them. Calls are on their way all the time.
 */

/** Links that are lost, of all clients together. `KILLS=1000` for a long run. */
const KILLS = Number(process.env.KILLS ?? 120)
const CLIENTS = 8
/** A link carries a handshake of 700 bytes, and then up to some dozen calls. */
const LAST_BYTE = 2_500
/** How often a link stays half open for the server; the client takes its ping timeout to find out. */
const HALF_OPEN = 0.08

/** What the handlers were given, and what came of it. */
class Handlers {
  /** Numbers of each client, in the order in which they were first handled. */
  readonly order = new Map<string, number[]>()
  readonly results = new Map<string, string>()
  /** Events that are sent once. */
  plain = 0

  constructor(
    private readonly history: History,
    private readonly random: Random,
  ) {}

  setUp(io: Server): void {
    io.on('connection', (socket) => {
      socket.on('quick', (name: string, n: number) => this.handle(name, n))
      socket.on('slow', async (name: string, n: number) => {
        const result = this.handle(name, n)
        await new Promise((resolve) => setTimeout(resolve, this.random.below(30)))
        return result
      })
      socket.on('ack', (name: string, n: number, ack: (result: string) => void) => {
        const result = this.handle(name, n)
        if (this.random.chance(0.5)) ack(result)
        else setImmediate(ack, result)
      })
      socket.on('fails', (name: string, n: number) => {
        throw new RoomcastError(this.handle(name, n), 'the handler has refused')
      })
      socket.on('plain', () => {
        this.plain++
      })
    })
  }

  /** @returns What no other call has as its result. */
  private handle(name: string, n: number): string {
    const id = `${name}-${n}`
    this.history.handled(id)
    this.order.set(name, [...(this.order.get(name) ?? []), n])
    const result = `RESULT_${this.results.size}`
    this.results.set(id, result)
    return result
  }
}

/** One client that calls, and what it was answered. */
class Caller {
  /** Results by id; codes of errors count as results. Several for one would be several answers. */
  readonly answers = new Map<string, string[]>()
  count = 0
  private open = 0

  constructor(
    private readonly name: string,
    private readonly socket: Socket,
    private readonly history: History,
    private readonly random: Random,
  ) {}

  get isDone(): boolean {
    return this.open === 0
  }

  call(): void {
    const n = this.count++
    const id = `${this.name}-${n}`
    this.history.called(id)
    this.open++
    const event = this.random.pick(['quick', 'quick', 'slow', 'ack', 'fails'])
    this.socket.idempotent.emitWithAck(event, this.name, n).then(
      (result) => this.onAnswer(id, String(result)),
      (error: RoomcastError) => this.onAnswer(id, error.code),
    )
    if (this.random.chance(0.2)) this.socket.volatile.emit('plain')
  }

  /** A few, and now and then more than may be on their way at once. */
  burst(): void {
    if (this.open > 400) return
    for (let count = this.random.chance(0.01) ? 300 : this.random.below(6); count > 0; count--) this.call()
  }

  private onAnswer(id: string, result: string): void {
    this.history.answered(id)
    this.open--
    this.answers.set(id, [...(this.answers.get(id) ?? []), result])
  }
}

/** Kills a link, somewhere, and goes on calling until that has happened. */
async function kill(line: Line, caller: Caller, random: Random): Promise<void> {
  const { kills } = line
  caller.burst()
  const how = random.pick(['fin', 'reset'] as const)
  if (random.chance(HALF_OPEN)) await line.sever()
  else if (random.chance(0.2) && line.openLinks > 0) line.cut(how)
  else line.cutAfter(1 + random.below(LAST_BYTE), random.pick(['down', 'up'] as const), how)
  while (line.kills === kills) {
    caller.burst()
    await moment(random)
  }
}

test(`calls take effect once, in order and with their own result, over ${KILLS} lost links`, async () => {
  const random = createRandom()
  const seed = `SEED=${random.seed}`
  console.log(seed)
  const history = new History()
  const handlers = new Handlers(history, random)
  await using server = await startServer((io) => handlers.setUp(io), { pingInterval: 150, pingTimeout: 150 })
  const startedAt = performance.now()
  let kills = 0
  const callers = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, i) => {
      const name = `client ${i}`
      await using line = await Line.start(server.port)
      const transports = MIXED[i % MIXED.length] as readonly string[]
      // A link that stays half open while it opens is given up after `timeout`.
      using socket = connect(line.url, { transports, ackTimeout: 1_000, timeout: 1_000 })
      const caller = new Caller(name, socket, history, random)
      const share = Math.ceil(KILLS / CLIENTS)
      while (line.kills < share) {
        await kill(line, caller, random)
        // Or it is lost again before it is there.
        if (random.chance(0.7)) await eventually(() => socket.connected, `${name} to be connected`, 20_000)
      }
      line.mend()
      await eventually(() => caller.isDone, `all answers of ${name}`, 30_000)
      kills += line.kills
      return { name, caller }
    }),
  )
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  console.log(`${kills} links lost, ${handlers.results.size} calls, ${handlers.plain} plain events, ${seconds} s`)

  expect(kills, seed).toBeGreaterThanOrEqual(KILLS)
  expect(history.check(), seed).toEqual([])
  for (const { name, caller } of callers) {
    const numbers = Array.from({ length: caller.count }, (_, n) => n)
    expect(handlers.order.get(name), `${seed}: order of ${name}`).toEqual(numbers)
    const expected = numbers.map((n) => [`${name}-${n}`, [handlers.results.get(`${name}-${n}`)]])
    expect(Object.fromEntries(caller.answers), `${seed}: answers of ${name}`).toEqual(Object.fromEntries(expected))
  }
  expect(server.faults, seed).toEqual([])
}, 120_000)
