import type { Gap, Room } from '@roomcast/client'
import { Server, type ServerOptions } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import { errorOf } from '../../../test-kit/clients'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { History } from '../../../test-kit/history/history'
import { observeSocket } from '../../../test-kit/history/observe'
import { createRandom, type Random } from '../../../test-kit/random'
import { startServer, type TestServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'
import { admitTo, connectObserved, joinObserved, Line, MIXED, moment, settled, Writer } from './delivery-support'
import { connect, connectSplit, eventually } from './fault-support'
import { freePort, type TestSocket } from './support'

/*
 * Links are lost between the real client and the real server, and sessions go on: the history says what every client was owed.
 */

/** Links that are lost in the random run. */
const KILLS = Number(process.env.CUTS ?? 120)
const OPTIONS: ServerOptions = {
  connectionStateRecovery: true,
  pingInterval: 300,
  pingTimeout: 500,
  login: (auth) => ({ id: (auth as { name: string }).name }),
}

/** Rooms that clients may join, and what each shows. */
function setUp(io: Server, authorize = () => true): void {
  io.rooms('book:*', { history: true, authorize, snapshot: 3 })
  io.rooms('tiny:*', { history: { messages: 2 }, authorize: () => true, snapshot: (_joiner, room) => ({ room }) })
}

/** One client, in a room of its own and in one that the server has put it into, and a writer. */
class Scene implements AsyncDisposable {
  readonly history = new History()
  readonly writer: Writer
  /** `recovered` at each connect. */
  readonly connects: boolean[] = []
  readonly gaps: Gap[] = []

  private constructor(
    readonly server: TestServer,
    readonly line: Line,
    readonly socket: TestSocket,
    /** Whether clients are let into the rooms `book:`. */
    readonly rules: { mayJoin: boolean },
  ) {
    this.writer = new Writer(server.io, this.history)
    admitTo(server.io, this.history, () => ['inner'])
    observeSocket(this.history, 'ada', socket)
    socket.on('connect', () => this.connects.push(socket.recovered))
    socket.on('gap', (gap: Gap) => this.gaps.push(gap))
  }

  static async start(transports: readonly string[] = ['websocket']): Promise<Scene> {
    const rules = { mayJoin: true }
    const server = await startServer((io) => setUp(io, () => rules.mayJoin), OPTIONS)
    const line = await Line.start(server.port)
    const socket = connect(line.url, { auth: { name: 'ada' }, transports, autoConnect: false, timeout: 1_000 })
    const scene = new Scene(server, line, socket, rules)
    socket.connect()
    await next(socket, 'connect')
    return scene
  }

  join(room: string): Promise<Room> {
    return joinObserved(this.history, 'ada', this.socket, room)
  }

  /** The server's side of the client, while it has one. */
  get counterpart() {
    return this.server.io.sockets.sockets.get(this.socket.id ?? '')
  }

  /** One message of each kind. */
  writeAll(rooms: readonly string[] = ['inner']): void {
    for (const room of rooms) this.writer.write(room)
    this.writer.write(null)
    this.writer.writeTo('ada', this.server.io.toUser('ada'))
  }

  /** Loses the link and waits until it is back. @param meanwhile  Runs while the client is away. */
  async lose(meanwhile: () => unknown = () => {}): Promise<void> {
    const { line, socket } = this
    const back = this.connects.length + 1
    line.refuse()
    await until(() => !socket.connected, 'the client to notice')
    await meanwhile()
    line.mend()
    await until(() => this.connects.length >= back && socket.connected, 'the client to be back')
  }

  async whole(): Promise<void> {
    expect(await settled(this.history)).toEqual([])
    expect(this.server.faults).toEqual([])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.disconnect()
    await this.line[Symbol.asyncDispose]()
    await this.server[Symbol.asyncDispose]()
  }
}

/** What the handle of a room tells, in order. */
function listen(room: Room): string[] {
  const told: string[] = []
  room.on('rejoin', (recovered) => told.push(`rejoin ${recovered}`))
  room.on('gap', ({ from, to, repaired }) => told.push(`gap ${from}-${to} ${repaired}`))
  room.on('snapshot', () => told.push('snapshot'))
  room.on('closed', ({ code }) => told.push(`closed ${code}`))
  room.on('m', (msgId: string) => told.push(msgId))
  return told
}

describe.each(MIXED)('a session that is resumed, by %s %s,', (...transports) => {
  test('has missed nothing, though nothing had come before', async () => {
    await using scene = await Scene.start(transports)
    await scene.lose(() => scene.writeAll())
    await scene.whole()
    expect(scene.connects).toEqual([false, true])
  })

  test('has missed nothing, though what came last was volatile', async () => {
    await using scene = await Scene.start(transports)
    await scene.join('book:a')
    scene.writeAll(['inner', 'book:a'])
    const seen = next(scene.socket, 'tick')
    scene.server.io.volatile.emit('tick', 1)
    await seen
    await scene.lose(() => scene.writeAll(['inner', 'book:a']))
    await scene.whole()
    expect(scene.connects).toEqual([false, true])
  })

  test('goes on five times in a row, with the same id', async () => {
    await using scene = await Scene.start(transports)
    const room = await scene.join('book:a')
    const told = listen(room)
    const { id } = scene.socket
    for (let n = 0; n < 5; n++) await scene.lose(() => scene.writeAll(['inner', 'book:a']))
    await scene.whole()
    expect(scene.connects).toEqual([false, ...Array.from({ length: 5 }, () => true)])
    expect(scene.socket.id).toBe(id)
    // Of four messages in a row the first but one is that of the room.
    const expected = Array.from({ length: 5 }, (_, n) => ['rejoin true', `m${4 * n + 1}`]).flat()
    expect(told).toEqual(expected)
    expect(room.recovered).toBe(true)
  })

  test('goes on while the server believes in the link before', async () => {
    await using scene = await Scene.start(transports)
    await scene.join('book:a')
    scene.writeAll(['inner', 'book:a'])
    await scene.line.sever()
    const { counterpart } = scene
    scene.writeAll(['inner', 'book:a'])
    await until(() => scene.connects.length === 2, 'the client to be back')
    scene.writeAll(['inner', 'book:a'])
    await scene.whole()
    expect(scene.connects).toEqual([false, true])
    expect(scene.counterpart).not.toBe(counterpart)
    expect(scene.server.io.sockets.sockets.size).toBe(1)
  })

  test('is in the room that the server has put it into right before the link was lost', async () => {
    await using scene = await Scene.start(transports)
    scene.history.joined('ada', 'late', 'server')
    scene.counterpart?.join('late')
    scene.writer.write('late')
    await scene.lose(() => scene.writer.write('late'))
    scene.writer.write('late')
    await scene.whole()
    expect(scene.connects).toEqual([false, true])
  })
})

test('a join whose answer is lost with the link fails, and the session comes back without the room', async () => {
  await using scene = await Scene.start()
  const { line, socket, server } = scene
  line.proxy.swallow('down')
  const failed = errorOf(socket.join('book:a'))
  await until(() => server.io.sockets.adapter.rooms.get('book:a')?.size === 1, 'the server to let it in')
  await scene.lose()
  expect((await failed).code).toBe('DISCONNECTED')
  await until(() => server.io.sockets.adapter.rooms.get('book:a') === undefined, 'the room to be left')
  expect(scene.connects).toEqual([false, true])
  await scene.whole()
})

test('a session goes from WebSocket to polling and back, and misses nothing', async () => {
  await using server = await startServer((io) => setUp(io), OPTIONS)
  await using proxy = await FaultProxy.start(server.port)
  const history = new History()
  admitTo(server.io, history, () => ['inner'])
  const writer = new Writer(server.io, history)
  const urls = { polling: server.url, websocket: proxy.url }
  const { manager, socket } = connectSplit(urls, { auth: { name: 'ada' }, timeout: 1_000 })
  using _ = socket
  observeSocket(history, 'ada', socket)
  const connects: unknown[] = []
  socket.on('connect', () => connects.push([manager.transport, socket.recovered]))
  await next(socket, 'connect')
  const room = await joinObserved(history, 'ada', socket, 'book:a')
  const told = listen(room)
  const writing = setInterval(() => {
    for (const to of ['inner', 'book:a', null]) writer.write(to)
    writer.writeTo('ada', server.io.toUser('ada'))
  }, 2)
  try {
    proxy.refuse()
    proxy.cut()
    await until(() => connects.length === 2 && socket.connected, 'polling')
    proxy.pass()
    await eventually(() => manager.transport === 'websocket', 'a WebSocket', 30_000)
    proxy.cut()
    await until(() => connects.length === 3 && socket.connected, 'another connection')
  } finally {
    clearInterval(writing)
  }
  expect(await settled(history)).toEqual([])
  expect(connects.slice(0, 2)).toEqual([
    ['websocket', false],
    ['polling', true],
  ])
  expect(connects.slice(2)).toEqual([[expect.any(String), true]])
  expect(told.filter((what) => !what.startsWith('m'))).toEqual(['rejoin true', 'rejoin true'])
  expect(server.faults).toEqual([])
}, 60_000)

describe('the handle of a room', () => {
  test('tells of what is gone, and shows the state anew', async () => {
    await using scene = await Scene.start()
    const room = await scene.join('tiny:a')
    const told = listen(room)
    await scene.lose(() => {
      for (let n = 0; n < 5; n++) scene.writer.write('tiny:a')
    })
    await until(() => told.includes('snapshot'), 'a snapshot')
    scene.writer.write('tiny:a')
    await scene.whole()
    expect(scene.connects).toEqual([false, false])
    expect(told).toEqual(expect.arrayContaining(['rejoin false', 'gap 1-3 false', 'snapshot', 'm5']))
    expect(told[0]).toBe('rejoin false')
    expect(told.filter((what) => what.startsWith('gap'))).toEqual(['gap 1-3 false'])
    expect(told.filter((what) => what === 'snapshot')).toHaveLength(1)
    expect(told.at(-1)).toBe('m5')
    expect(room.isJoined).toBe(true)
    expect(room.recovered).toBe(false)
    expect(room.state).toEqual({ room: 'tiny:a' })
  })

  test('tells that it is closed when the rules do not let it in again', async () => {
    await using scene = await Scene.start()
    const room = await scene.join('book:a')
    const told = listen(room)
    await scene.lose(() => {
      scene.rules.mayJoin = false
      scene.writer.write('book:a')
    })
    await until(() => told.length > 0, 'news of the room')
    expect(told).toEqual(['closed JOIN_REFUSED'])
    expect(room.isJoined).toBe(false)
    expect(scene.server.io.sockets.adapter.rooms.get('book:a')).toBeUndefined()
    scene.writer.write('book:a')
    await scene.whole()
    expect(told).toHaveLength(1)
  })
})

test('a socket that was taken out of its rooms while it was away is not in them when it is back', async () => {
  await using scene = await Scene.start()
  const { server, history, socket } = scene
  const { id } = socket
  await scene.lose(() => {
    server.io.in(id as string).socketsLeave('inner')
    history.left('ada', 'inner')
    scene.writer.write('inner')
  })
  scene.writeAll()
  await scene.whole()
  expect(scene.connects).toEqual([false, true])
  expect(server.io.sockets.adapter.rooms.get('inner')).toBeUndefined()
})

test('a server that is started again on its port recovers nothing, and says so', async () => {
  const port = await freePort()
  const history = new History()
  const faults: unknown[] = []
  const start = async () => {
    const io = new Server({ onError: (error) => faults.push(error), ...OPTIONS })
    setUp(io)
    admitTo(io, history, () => ['inner'])
    await io.listen({ port, host: '127.0.0.1' })
    return io
  }
  const first = await start()
  await using line = await Line.start(port)
  using socket = connectObserved(history, 'ada', line.url, { transports: ['websocket'] })
  const connects: boolean[] = []
  socket.on('connect', () => connects.push(socket.recovered))
  await next(socket, 'connect')
  const room = await joinObserved(history, 'ada', socket, 'book:a')
  const told = listen(room)
  let writer = new Writer(first, history)
  for (const to of ['inner', 'book:a', null]) writer.write(to)
  await until(() => told.length === 1, 'the first message')
  line.refuse()
  await until(() => !socket.connected, 'the client to notice')
  await first.close()
  const second = await start()
  await using _ = { [Symbol.asyncDispose]: () => second.close() }
  writer = writer.onAnother(second)
  // Nobody is there: these are not owed.
  for (const to of ['inner', 'book:a', null]) writer.write(to)
  line.mend()
  await until(() => told.includes('snapshot'), 'a snapshot')
  for (const to of ['inner', 'book:a', null]) writer.write(to)
  expect(await settled(history)).toEqual([])
  expect(connects).toEqual([false, false])
  await until(() => told.at(-1) === 'm7', 'the last message')
  expect(told).toEqual(['m1', 'rejoin false', 'snapshot', 'm7'])
  expect(room.messages.map(({ args }) => args[0])).toEqual(['m4'])
  expect(faults).toEqual([])
})

async function eventuallyCut(line: Line, kills: number, random: Random): Promise<void> {
  while (line.kills === kills) await moment(random)
}

/** Loses a link somewhere, and waits until it is lost. */
async function kill(line: Line, random: Random): Promise<void> {
  const { kills } = line
  const how = random.pick(['fin', 'reset'] as const)
  const fate = random.next()
  if (fate < 0.08) await line.sever()
  else if (fate < 0.3 && line.openLinks > 0) line.cut(how)
  else if (fate < 0.8) line.cutAfter(1 + random.below(4_000), 'down', how)
  else {
    // Clients say little: somewhere in what they begin with.
    line.cutAfter(1 + random.below(700), 'up', how)
    line.cut(how)
    return eventuallyCut(line, kills + 1, random)
  }
  return eventuallyCut(line, kills, random)
}

test(`nothing is lost without a word over ${KILLS} lost links, and within the window nothing at all`, async () => {
  const random = createRandom()
  const seed = `SEED=${random.seed}`
  console.log(seed)
  const history = new History({ resumeWindowMs: 60_000 })
  await using server = await startServer(
    (io) => {
      io.rooms('book:*', { history: { messages: 100_000, bytes: 2 ** 24 }, authorize: () => true })
      io.rooms('shown:*', { history: { messages: 100_000, bytes: 2 ** 24 }, authorize: () => true, snapshot: 5 })
    },
    { ...OPTIONS, connectionStateRecovery: { history: { messages: 100_000, bytes: 2 ** 24 } } },
  )
  const clients = 8
  const rooms = ['book:1', 'shown:2', 'inner:1', 'inner:2']
  admitTo(server.io, history, () => rooms.slice(2))
  const writer = new Writer(server.io, history)
  const names = Array.from({ length: clients }, (_, i) => `client ${i}`)
  const members: TestSocket[] = []
  const gaps: Gap[] = []
  const told: string[] = []
  const lines = await Promise.all(names.map(() => Line.start(server.port)))
  for (const [i, name] of names.entries()) {
    const line = lines[i] as Line
    const options = { transports: MIXED[i % MIXED.length] as readonly string[], timeout: 1_000 }
    const socket = connectObserved(history, name, line.url, options)
    members.push(socket)
    socket.on('gap', (gap: Gap) => gaps.push(gap))
    await next(socket, 'connect')
    for (const room of rooms.slice(0, 2)) {
      const handle = await joinObserved(history, name, socket, room)
      handle.on('rejoin', (recovered) => told.push(`rejoin ${recovered}`))
      handle.on('snapshot', () => told.push('snapshot'))
      handle.on('closed', ({ code }) => told.push(`closed ${code}`))
    }
  }
  const writing = setInterval(() => {
    for (let i = 0; i < 4; i++) {
      const kind = random.next()
      const name = random.pick(names)
      if (kind < 0.6) writer.write(random.pick(rooms))
      else if (kind < 0.7) writer.write(['book:1', 'inner:1'])
      else if (kind < 0.8) writer.write(null)
      else writer.writeTo(name, server.io.toUser(name))
    }
  }, 3)
  const startedAt = performance.now()
  try {
    await Promise.all(
      lines.map(async (line, i) => {
        const socket = members[i] as TestSocket
        while (line.kills < KILLS / clients) {
          await kill(line, random)
          if (random.chance(0.7)) await eventually(() => socket.connected, 'a connection', 20_000)
        }
        line.mend()
        await eventually(() => socket.connected, 'a connection', 20_000)
      }),
    )
  } finally {
    clearInterval(writing)
  }
  const violations = await settled(history, 20_000)
  const kills = lines.reduce((sum, line) => sum + line.kills, 0)
  const delivered = history.records.filter(({ kind }) => kind === 'delivered').length
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  console.log(
    `${kills} links lost, ${writer.count} messages, ${delivered} delivered, ${gaps.length} gaps, ${seconds} s`,
  )
  for (const socket of members) socket.disconnect()
  for (const line of lines) await line[Symbol.asyncDispose]()
  expect(violations, seed).toEqual([])
  expect(
    gaps.filter(({ repaired }) => !repaired),
    seed,
  ).toEqual([])
  expect([...new Set(told)], seed).toEqual(['rejoin true'])
  expect(server.faults, seed).toEqual([])
}, 120_000)
