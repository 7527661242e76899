import { expect, test } from 'vitest'
import { createRandom, type Random } from '../../../test-kit/random'
import type { RawSession } from '../../../test-kit/raw-room'
import type { RawStream } from '../../../test-kit/raw-stream'
import type { TestServer } from '../../../test-kit/server'
import { connect, faultsOf, heard, lose, settled, socketOf, startResumable } from './resume-support'

const FIXED = ['f0', 'f1', 'f2'] as const
const CHANGING = Array.from({ length: 6 }, (_, i) => `v${i}`)
const CLIENTS = 4
const STEPS = 200

/** A client of the world, and what it has to be told. */
class Actor {
  readonly expected: string[] = []
  readonly rooms: Set<string>
  /** What it has heard on the connections of before. */
  private readonly before: string[] = []
  /** Streams that ended with them. */
  private readonly ended: RawStream[] = []
  /** Rooms that it was in once. */
  readonly used = new Set<string>()
  isAway = false
  isWhole = true

  constructor(
    readonly user: string,
    public session: RawSession,
    fixed: readonly string[],
  ) {
    this.rooms = new Set(fixed)
  }

  get sid(): string {
    return this.session.sid
  }

  /** What an application was given, stream by stream. */
  get delivered(): string[] {
    const streams = [...this.ended, ...this.session.ended, ...this.session.streams.values()]
    return streams.flatMap(({ delivered }) => delivered).map(({ event, args }) => `${event}(${args.join(',')})`)
  }

  /** Events in the order of their first arrival. */
  get heard(): string[] {
    return [...new Set([...this.before, ...heard(this.session)])]
  }

  async comeBack(port: number): Promise<void> {
    const old = this.session
    // What comes on the old one from now on comes again.
    old.client.pause()
    const next = await old.resume(port)
    this.ended.push(...old.ended, ...[...old.streams.values()].filter(({ room }) => !isContinued(next, room)))
    expect(next.session).toMatchObject({ resumed: true })
    expect(next.sid).toBe(old.sid)
    old.client.terminate()
    if (!next.session?.recovered) this.isWhole = false
    this.before.push(...heard(old))
    this.session = next
    this.isAway = false
  }
}

/** Whether a stream has gone on, if only to be told that it has ended. */
function isContinued(next: RawSession, room: number): boolean {
  return next.streams.has(room) || next.ended.some((stream) => stream.room === room)
}

class World {
  readonly actors: Actor[] = []
  readonly trace: string[] = []
  private count = 0

  constructor(
    private readonly server: TestServer,
    private readonly random: Random,
    /** Whether a room that was left may be joined again. */
    private readonly rejoins: boolean,
  ) {}

  async fill(): Promise<void> {
    for (let i = 0; i < CLIENTS; i++) {
      const fixed = FIXED.filter(() => this.random.chance(0.6))
      const user = `user${i % 3}`
      const session = await connect(this.server, { auth: { id: user, rooms: fixed } })
      this.actors.push(new Actor(user, session, fixed))
    }
  }

  async step(): Promise<void> {
    const { random } = this
    const actor = random.pick(this.actors)
    const dice = random.below(100)
    if (dice < 60) this.send()
    else if (dice < 70) this.changeRooms(actor)
    else if (dice < 80) await this.lose(actor)
    else if (dice < 92) await this.comeBack(actor)
    else if (!actor.isAway) {
      this.trace.push(`${actor.user} syncs`)
      // What is on its way would come again.
      await settled(actor.session)
      await actor.session.sync(undefined, true)
    }
  }

  async end(): Promise<void> {
    for (const actor of this.actors) if (actor.isAway) await actor.comeBack(this.server.port)
    for (const { session } of this.actors) {
      await settled(session)
      await session.sync(undefined, true)
    }
  }

  /** Sends one message, in one of all ways, and notes who has to get it. */
  send(): void {
    const { random, server } = this
    const { io } = server
    const text = String(++this.count)
    const [room, other] = [random.pick(FIXED), random.pick(FIXED)]
    const actor = random.pick(this.actors)
    const changing = random.pick([...actor.used, ...CHANGING])
    const ways: [string, () => unknown, (each: Actor) => boolean][] = [
      ['room', () => io.to(room).emit('say', text), ({ rooms }) => rooms.has(room)],
      ['changing room', () => io.to(changing).emit('say', text), ({ rooms }) => rooms.has(changing)],
      ['everybody', () => io.emit('say', text), () => true],
      ['id', () => io.to(actor.sid).emit('say', text), (each) => each === actor],
      ['user', () => io.toUser(actor.user).emit('say', text), ({ user }) => user === actor.user],
      ['two rooms', () => io.to([room, other]).emit('say', text), ({ rooms }) => rooms.has(room) || rooms.has(other)],
      [
        'but one room',
        () => io.to(room).except(other).emit('say', text),
        ({ rooms }) => rooms.has(room) && !rooms.has(other),
      ],
      ['but one id', () => io.except(actor.sid).emit('say', text), (each) => each !== actor],
      ['but one user', () => io.exceptUser(actor.user).emit('say', text), ({ user }) => user !== actor.user],
    ]
    if (!actor.isAway) {
      ways.push(['direct', () => socketOf(server, actor).emit('say', text), (each) => each === actor])
      ways.push([
        'the others',
        () => socketOf(server, actor).to(room).emit('say', text),
        (each) => each !== actor && each.rooms.has(room),
      ])
    }
    const [name, emit, isMeant] = random.pick(ways)
    this.trace.push(`${text} to ${name}`)
    emit()
    for (const each of this.actors) if (isMeant(each)) each.expected.push(`say(${text})`)
  }

  private changeRooms(actor: Actor): void {
    const { random, server } = this
    if (actor.isAway) return
    const socket = socketOf(server, actor)
    const room = random.pick(this.rejoins ? CHANGING.slice(0, 2) : CHANGING)
    if (actor.rooms.has(room)) {
      this.trace.push(`${actor.user} leaves ${room}`)
      socket.leave(room)
      actor.rooms.delete(room)
    } else if (this.rejoins || !actor.used.has(room)) {
      this.trace.push(`${actor.user} joins ${room}`)
      socket.join(room)
      actor.rooms.add(room)
      actor.used.add(room)
    }
  }

  /** Cuts a link; what was sent last may be lost with it. */
  private async lose(actor: Actor): Promise<void> {
    const { random } = this
    if (actor.isAway) return
    const isLossy = random.chance(0.7)
    this.trace.push(`${actor.user} is cut${isLossy ? ' with losses' : ''}`)
    if (!isLossy) await settled(actor.session)
    await lose(this.server, actor.session, () => {
      for (let i = isLossy ? random.below(5) : 0; i > 0; i--) {
        this.send()
        if (random.chance(0.3)) this.changeRooms(actor)
      }
      actor.isAway = true
    })
  }

  /** Also of one whose link is open. */
  private async comeBack(actor: Actor): Promise<void> {
    this.trace.push(`${actor.user} comes back${actor.isAway ? '' : ' while its link is open'}`)
    await actor.comeBack(this.server.port)
  }
}

async function run(random: Random, messages: number, rejoins = false): Promise<void> {
  await using server = await startResumable(
    (io) => io.on('connection', (socket) => void (socket.recovered || socket.join(socket.handshake.auth.rooms))),
    {
      login: ({ id }: { id: string }) => ({ id }),
      connectionStateRecovery: { history: { messages } },
    },
  )
  const world = new World(server, random, rejoins)
  await world.fill()
  for (let i = 0; i < STEPS; i++) await world.step()
  await world.end()
  const told = `SEED=${random.seed}\n${world.trace.join('\n')}`
  for (const actor of world.actors) {
    const { session, heard: got, delivered, expected, isWhole } = actor
    expect(delivered, `${told}\neach once`).toHaveLength(new Set(delivered).size)
    expect(faultsOf(session), told).toEqual([])
    const losts = [...session.streams.values()].some((stream) => stream.losts.length > 0)
    if (isWhole) {
      expect(got, told).toEqual(expected)
      expect(new Set(delivered), told).toEqual(new Set(expected))
      expect(losts, told).toBe(false)
    } else {
      const isGot = new Set(got)
      expect(new Set(delivered), told).toEqual(isGot)
      expect(got, told).toEqual(expected.filter((text) => isGot.has(text)))
    }
  }
  expect(server.faults, told).toEqual([])
}

/** Seeds of a run; one that is given is run alone. */
const seeds =
  process.env.SEED === undefined
    ? Array.from({ length: 10 }, () => Math.floor(Math.random() * 2 ** 31))
    : [Number(process.env.SEED)]

test.each(seeds)('everybody gets everything that was meant for them, once and in order (SEED=%i)', async (seed) => {
  await run(createRandom(seed), 1_000)
})

test.each(seeds)(
  'what a short history has lost is told, and the rest comes once and in order (SEED=%i)',
  async (seed) => {
    await run(createRandom(seed), 3)
  },
)

test.each(seeds)('so it is with rooms that are left and joined again (SEED=%i)', async (seed) => {
  await run(createRandom(seed), 1_000, true)
})
