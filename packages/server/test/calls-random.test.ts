import { RoomcastError } from '@roomcast/protocol'
import { expect, test } from 'vitest'
import { createRandom, type Random } from '../../../test-kit/random'
import { until } from '../../../test-kit/wait'
import { Caller, startCalls, TestStore } from './calls-support'

/*
 * Links are lost at any moment, old ones stay half open, handlers and the store take their time: each call is handled once, and
 * the client gets the answer that was made then.
 */

const CLIENTS = 5
const CALLS = 120

/** A client that sends calls again until they are answered. */
class Insistent {
  /** Results by id. */
  readonly results = new Map<number, unknown>()
  cuts = 0
  private made = 0
  private readonly links: Caller[] = []

  constructor(
    private readonly port: number,
    private readonly secret: string,
    private readonly random: Random,
  ) {}

  get isDone(): boolean {
    return this.results.size === CALLS
  }

  /** Makes all calls, over as many links as it takes. */
  async run(): Promise<void> {
    while (!this.isDone) {
      const link = await Caller.connect(this.port, this.secret)
      this.links.push(link)
      for (let id = 0; id < this.made; id++) if (!this.results.has(id)) this.send(link, id)
      for (let step = this.random.below(12); step >= 0 && !this.isDone; step--) {
        for (let count = this.random.below(8); count > 0 && this.made < CALLS; count--) this.send(link, this.made++)
        await this.pause(link)
      }
      // Towards the end it stays until everything is answered.
      if (this.made === CALLS && this.random.chance(0.3)) {
        await until(() => {
          this.collect(link)
          return this.isDone
        }, 'all answers')
      }
      this.collect(link)
      if (this.isDone) break
      this.cuts++
      // Some links are not closed, and the server believes in them.
      if (this.random.chance(0.6)) link.client.terminate()
    }
    for (const link of this.links) link.client.terminate()
  }

  private send(link: Caller, id: number): void {
    link.call(id, id % 2 === 0 ? 'quick' : 'slow', this.secret, id)
  }

  private async pause(link: Caller): Promise<void> {
    if (this.random.chance(0.5)) await link.settled()
    else await new Promise((resolve) => setImmediate(resolve))
    this.collect(link)
  }

  private collect({ client }: Caller): void {
    for (const { type, ackId, body } of client.frames) {
      if (type !== 'ACK' && type !== 'ACK_ERROR') continue
      const result = type === 'ACK' ? (body as unknown[])[0] : (body as { code: string }).code
      // What comes again is the same.
      if (this.results.has(ackId)) expect(result).toBe(this.results.get(ackId))
      this.results.set(ackId, result)
    }
  }
}

test('each call is handled once, and answered with what came of it', async () => {
  const random = createRandom()
  const store = new TestStore()
  const handled = new Map<string, string>()
  let twice = 0
  const handle = (secret: string, id: number): string => {
    const name = `${secret} ${id}`
    if (handled.has(name)) twice++
    const isError = random.chance(0.1)
    const result = `${isError ? 'ERROR' : 'RESULT'}_${handled.size}`
    handled.set(name, result)
    if (isError) throw new RoomcastError(result, 'no')
    return result
  }
  await using server = await startCalls(
    (io) => {
      io.on('connection', (socket) => {
        socket.use((_event, next) => {
          if (random.chance(0.5)) next()
          else setTimeout(next, random.below(4))
        })
        socket.on('quick', handle)
        socket.on('slow', async (secret: string, id: number) => {
          const result = handle(secret, id)
          await new Promise((resolve) => setTimeout(resolve, random.below(10)))
          return result
        })
      })
    },
    { store },
  )
  const clients = Array.from(
    { length: CLIENTS },
    (_, i) => new Insistent(server.port, `secret of client number ${i}`, random),
  )
  const moody = setInterval(() => {
    store.isSlow = random.chance(0.5)
    for (const go of store.waiting.splice(0)) go()
  }, 2)
  await Promise.all(clients.map((client) => client.run())).finally(() => clearInterval(moody))

  const seed = `SEED=${random.seed}`
  expect(twice, seed).toBe(0)
  expect(handled.size, seed).toBe(CLIENTS * CALLS)
  for (const [i, client] of clients.entries()) {
    for (const [id, result] of client.results)
      expect(result, seed).toBe(handled.get(`secret of client number ${i} ${id}`))
    expect(client.cuts, `${seed}: links were lost`).toBeGreaterThan(0)
  }
  expect(server.faults, seed).toEqual([])
}, 60_000)
