import type { Gap } from '@roomcast/client'
import { MESSAGE_TYPES } from '@roomcast/protocol'
import type { Server } from '@roomcast/server'
import { expect, test } from 'vitest'
import { type FrameFilter, FrameProxy, randomFrameFaults } from '../../../test-kit/frame-proxy'
import { History } from '../../../test-kit/history/history'
import { createRandom, type Random } from '../../../test-kit/random'
import { startServer, type TestServer } from '../../../test-kit/server'
import { next } from '../../../test-kit/wait'
import { admitTo, connectObserved, joinObserved, settled, Writer } from './delivery-support'
import type { TestSocket } from './support'

/*
 * Frames towards the clients are lost, and the links stay: what neither TCP nor a client that only counts bytes would notice.
 */

const CLIENTS = 20
const BURST = 10
/** Rooms that clients join by themselves, with history; every second one shows its last messages. */
const OPEN_ROOMS = ['open:1', 'shown:2', 'open:3', 'shown:4']
/** Rooms that the server puts sockets into, kept for the recovery of sessions alone. */
const INNER_ROOMS = ['inner:1', 'inner:2']
/** Rooms that are written to together as well, and have the same members: a message for both comes once. */
const TWIN_ROOMS = ['twin:1', 'twin:2']
const ALL_ROOMS = [...OPEN_ROOMS, ...INNER_ROOMS, ...TWIN_ROOMS]

interface Member {
  readonly name: string
  readonly socket: TestSocket
}

/** A server, clients behind a proxy that loses nothing yet, all of them in their rooms, and a writer. */
class Scene implements AsyncDisposable {
  readonly members: Member[] = []
  readonly gaps: Gap[] = []
  readonly history = new History()
  readonly writer: Writer

  private constructor(
    readonly server: TestServer,
    readonly proxy: FrameProxy,
    private readonly random: Random,
    rooms: ReadonlyMap<string, readonly string[]>,
  ) {
    this.writer = new Writer(server.io, this.history)
    admitTo(server.io, this.history, (name) => rooms.get(name) ?? [])
  }

  /** @param messages  How many each room and each session keeps. */
  static async start(random: Random, messages: number): Promise<Scene> {
    const history = { messages, bytes: 2 ** 24 }
    const setUp = (io: Server) => {
      io.rooms('open:*', { history, authorize: () => true })
      io.rooms('shown:*', { history, authorize: () => true, snapshot: Math.min(messages, 5) })
    }
    const server = await startServer(setUp, {
      pingInterval: 200,
      pingTimeout: 2_000,
      connectionStateRecovery: { history },
    })
    // A CONNECTED that is lost costs a client its `timeout`, and shows nothing about gaps.
    const proxy = await FrameProxy.start(server.port, { spare: (type) => type === MESSAGE_TYPES.CONNECTED })
    const names = Array.from({ length: CLIENTS }, (_, i) => `client ${i}`)
    const some = (rooms: readonly string[]) => rooms.filter(() => random.chance(0.5))
    const innerOf = () => [...some(INNER_ROOMS), ...(random.chance(0.5) ? TWIN_ROOMS : [])]
    const rooms = new Map(names.map((name) => [name, innerOf()]))
    const scene = new Scene(server, proxy, random, rooms)
    for (const name of names) {
      const options = { transports: ['websocket'], ackTimeout: 500 }
      const socket = connectObserved(scene.history, name, proxy.url, options)
      scene.members.push({ name, socket })
      socket.on('gap', (gap: Gap) => scene.gaps.push(gap))
      await next(socket, 'connect')
      for (const room of some(OPEN_ROOMS)) await joinObserved(scene.history, name, socket, room)
    }
    return scene
  }

  /** Gaps that ended so. */
  count(repaired: boolean): number {
    return this.gaps.filter((gap) => gap.repaired === repaired).length
  }

  /** Writes so many messages: to rooms, now and then to two, to everybody, to a room without one of its members, and to one. */
  async write(count: number, toTwins = true): Promise<void> {
    for (const end = this.writer.count + count; this.writer.count < end; ) {
      for (let i = 0; i < BURST; i++) this.writeOne(toTwins)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }

  private writeOne(toTwins: boolean): void {
    const { writer, random } = this
    const kind = random.next()
    const { name, socket } = random.pick(this.members)
    const counterpart = this.server.io.sockets.sockets.get(socket.id ?? '')
    if (kind < 0.7) writer.write(random.pick(ALL_ROOMS))
    else if (kind < 0.8) writer.write(toTwins ? TWIN_ROOMS : random.pick(ALL_ROOMS))
    else if (kind < 0.85) writer.write(null)
    // Who is away at the moment has no id to be left out by.
    else if (counterpart === undefined) writer.write(random.pick(ALL_ROOMS))
    else if (kind < 0.9) writer.write(random.pick(ALL_ROOMS), { name, sid: counterpart.id })
    else writer.writeTo(name, counterpart)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.members) socket.disconnect()
    await this.proxy[Symbol.asyncDispose]()
    await this.server[Symbol.asyncDispose]()
  }
}

/** Loses each message from a number on, the first time that it is on its way to a client. @param lost  What it has lost. */
function loseOnce(first: number, lost: Set<string>): FrameFilter {
  return (frame, _index, direction, link) => {
    // The id of the message is its last argument.
    const id = /m(\d+)$/.exec(Buffer.from(frame).toString('latin1'))?.[1]
    const key = `${link} ${id}`
    if (direction === 'up' || id === undefined || Number(id) < first || lost.has(key)) return 'pass'
    lost.add(key)
    return 'drop'
  }
}

function report({ proxy, writer, history }: Scene, what: string): void {
  const delivered = history.records.filter(({ kind }) => kind === 'delivered').length
  const lost = proxy.count('drop', MESSAGE_TYPES.EVENT)
  console.log(
    `${writer.count} messages, ${delivered} delivered, ${proxy.count('drop')} frames lost, ${lost} of them events, ${what}`,
  )
}

test('20,000 messages of which 1 % are lost on the way: each gap is found and repaired, in order, the last one too', async () => {
  const random = createRandom()
  const seed = `SEED=${random.seed}`
  console.log(seed)
  await using scene = await Scene.start(random, 100_000)
  const { proxy, history } = scene
  const lossy = randomFrameFaults(random, { drop: 0.01 })
  proxy.filter = lossy
  await scene.write(20_000)
  // No message follows that would show the loss of these.
  const lastLost = new Set<string>()
  const last = loseOnce(scene.writer.count, lastLost)
  proxy.filter = (...frame) => (last(...frame) === 'drop' ? 'drop' : lossy(...frame))
  await scene.write(20)
  const violations = await settled(history, 30_000)
  report(scene, `${scene.count(true)} gaps repaired, ${proxy.accepted} links`)
  expect(violations, seed).toEqual([])
  expect(scene.count(true), seed).toBeGreaterThan(100)
  expect(
    scene.gaps.filter(({ repaired }) => !repaired),
    seed,
  ).toEqual([])
  expect(scene.server.faults, seed).toEqual([])
}, 120_000)

test('where hardly anything is kept, what cannot be repaired is told: nothing is missing without a word', async () => {
  const random = createRandom()
  const seed = `SEED=${random.seed}`
  console.log(seed)
  await using scene = await Scene.start(random, 3)
  const { proxy, history } = scene
  proxy.filter = randomFrameFaults(random, { drop: 0.05 })
  // A message for two rooms comes in the order of one of them, and is no sign of where the gaps of the other one are.
  await scene.write(4_000, false)
  const violations = await settled(history, 30_000)
  report(scene, `${scene.count(true)} gaps repaired, ${scene.count(false)} not, ${proxy.accepted} links`)
  expect(violations, seed).toEqual([])
  expect(scene.count(false), seed).toBeGreaterThan(100)
  expect(scene.server.faults, seed).toEqual([])
}, 120_000)
