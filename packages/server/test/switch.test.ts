import { CLOSE_CODES, MESSAGE_TYPES, writeBatch } from '@roomcast/protocol'
import type { ServerOptions, Socket } from '@roomcast/server'
import { describe, expect, test } from 'vitest'
import type { HttpAnswer } from '../../../test-kit/http'
import { createRandom, type Random } from '../../../test-kit/random'
import { RawClient, type RawFrame } from '../../../test-kit/raw-client'
import { RawPoller, readAnswer } from '../../../test-kit/raw-poller'
import { startServer, type TestServer } from '../../../test-kit/server'
import { next, until } from '../../../test-kit/wait'

const { EVENT, PING, SWITCH, CONNECT } = MESSAGE_TYPES
const REFUSED = CLOSE_CODES.SWITCH_REFUSED

/** The only socket of a server. */
function only(server: TestServer): Socket {
  const sockets = [...server.io.sockets.sockets.values()]
  expect(sockets).toHaveLength(1)
  return sockets[0] as Socket
}

/** What a server keeps for polling, counted. */
function kept(server: TestServer) {
  const { pollSessions, topics, runtime } = server.io as unknown as {
    pollSessions: { size: number }
    topics: { size: number }
    runtime: { wheel: { size: number } }
  }
  const { size: deadlines } = runtime.wheel
  return { sessions: pollSessions.size, topics: topics.size, deadlines, clients: server.io.engine.clientsCount }
}

/** A WebSocket whose first frame is a SWITCH. */
async function switching(server: TestServer, session: string, received: number): Promise<RawClient> {
  const client = await RawClient.open(server.port)
  client.send({ type: SWITCH }, { session, received })
  return client
}

/** Names of the events of a WebSocket. */
const events = (client: RawClient) => client.frames.filter(({ type }) => type === 'EVENT').map(({ event }) => event)

describe('moving to a WebSocket', () => {
  test('the socket, its rooms and its calls move, and everything goes on', async () => {
    const heard: unknown[] = []
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.join(['a', 'b'])
        socket.on('m', (x: unknown, ack?: (x: unknown) => void) => {
          heard.push(x)
          ack?.(x)
        })
      })
    })
    using poller = await RawPoller.connect(server.port)
    const socket = only(server)
    const { id } = socket
    const upgraded = next(socket.conn, 'upgrade')
    const question = socket.emitWithAck('question')
    await poller.poll()
    const { ackId } = await poller.frame('EVENT')
    await poller.emit('m', ['over HTTP'])
    const get = new AbortController()
    poller.get(poller.received, get.signal).catch(() => {})
    get.abort()
    expect(server.io.engine.clientsCount).toBe(1)
    using client = await RawClient.open(server.port)
    await until(() => server.io.engine.clientsCount === 2)
    client.send({ type: SWITCH }, { session: poller.session, received: poller.received })
    await client.frame('SWITCHED')
    expect(server.io.engine.clientsCount, 'the WebSocket is no connection of its own').toBe(1)
    expect(socket.conn.transport.name).toBe('polling')
    server.io.to('a').emit('both ways')
    await client.frame('EVENT')
    client.send({ type: MESSAGE_TYPES.ACK, ackId }, ['answer'])
    expect(await question).toBe('answer')
    expect(await upgraded).toEqual([{ name: 'websocket' }])
    expect(socket.conn.transport.name).toBe('websocket')
    expect([socket.id, socket.connected, [...socket.rooms]]).toEqual([id, true, [id, 'a', 'b']])
    server.io.to('b').emit('to a room')
    socket.leave('b')
    server.io.to('b').emit('to a room it left')
    server.io.emit('to all')
    server.io.to(id).emit('to its id')
    socket.emit('to it')
    client.emit('m', ['over WebSocket'], 3)
    expect((await client.frame('ACK')).body).toEqual(['over WebSocket'])
    expect(events(client)).toEqual(['both ways', 'to a room', 'to all', 'to its id', 'to it'])
    expect(heard).toEqual(['over HTTP', 'over WebSocket'])
    for (const late of [
      await poller.get(),
      await poller.post(new Uint8Array()),
      await poller.request({ method: 'DELETE' }),
    ]) {
      expect(late.status).toBe(409)
      expect(JSON.parse(late.text)).toEqual({ code: 'SESSION_SWITCHED', message: expect.any(String) })
    }
    expect(kept(server)).toEqual({ sessions: 0, topics: 0, deadlines: 0, clients: 1 })
    const gone = next(socket, 'disconnect')
    client.closeWith(1000)
    expect(await gone).toMatchObject(['transport close', { code: 1000 }])
    expect(server.io.engine.clientsCount).toBe(0)
  })

  test('what was answered and did not arrive comes again on the WebSocket, once', async () => {
    await using server = await startServer()
    using poller = await RawPoller.connect(server.port)
    for (const event of ['a', 'b', 'c']) only(server).emit(event)
    const lost = readAnswer(await poller.get())
    expect(lost.frames).toHaveLength(3)
    using client = await switching(server, poller.session, 2)
    await client.frame('SWITCHED')
    only(server).emit('d')
    client.send({ type: PING }, null)
    await client.frame('PONG')
    expect(client.frames.map(({ type, event }) => (type === 'EVENT' ? event : type))).toEqual([
      'SWITCHED',
      'b',
      'c',
      'd',
      'PONG',
    ])
  })

  test('a GET that is held meanwhile is served as usual, and refused in the end', async () => {
    await using server = await startServer()
    using poller = await RawPoller.connect(server.port)
    using client = await switching(server, poller.session, 1)
    await client.frame('SWITCHED')
    const first = poller.get()
    only(server).emit('a')
    expect(readAnswer(await first)).toMatchObject({ first: 2, frames: [{ event: 'a' }] })
    const second = poller.get(2)
    await until(() => kept(server).deadlines === 2)
    client.send({ type: PING }, null)
    expect((await second).status).toBe(409)
  })

  test('listeners of upgrade: once, off, faults', async () => {
    await using server = await startServer()
    using poller = await RawPoller.connect(server.port)
    const { conn } = only(server)
    const seen: string[] = []
    const removed = () => void seen.push('removed')
    conn.on('upgrade', removed).off('upgrade', removed)
    conn.on('upgrade', () => {
      throw new Error('mine')
    })
    conn.once('upgrade', ({ name }) => void seen.push(name))
    using client = await switching(server, poller.session, 1)
    await client.frame('SWITCHED')
    client.emit('m')
    await until(() => seen.length > 0)
    expect(seen).toEqual(['websocket'])
    expect(server.faults).toMatchObject([{ error: { message: 'mine' }, context: { where: 'listener' } }])
  })

  test('a connection that is being closed takes the WebSocket with it, with the same code', async () => {
    await using server = await startServer()
    using poller = await RawPoller.connect(server.port)
    using client = await switching(server, poller.session, 1)
    await client.frame('SWITCHED')
    only(server).disconnect(true)
    expect((await client.close()).code).toBe(CLOSE_CODES.KICKED)
    expect(client.frames.map(({ type }) => type)).toEqual(['SWITCHED', 'DISCONNECT'])
    expect(kept(server).clients).toBe(0)
    using other = await RawPoller.connect(server.port)
    using left = await switching(server, other.session, 1)
    await left.frame('SWITCHED')
    await other.request({ method: 'DELETE' })
    expect((await left.close()).code).toBe(1000)
  })
})

describe('a move that is refused leaves the session as it is', () => {
  /** The session still works. */
  async function works(server: TestServer, poller: RawPoller): Promise<void> {
    only(server).emit('works')
    expect((await poller.poll())?.frames.map(({ event }) => event)).toEqual(['works'])
    await poller.emit('m')
    expect(only(server).conn.transport.name).toBe('polling')
    expect(kept(server)).toMatchObject({ sessions: 1, clients: 1 })
  }

  const flip = (session: string) => session.slice(0, -1) + (session.endsWith('A') ? 'B' : 'A')
  test.each([
    ['another secret (T-14 a)', (p: RawPoller) => ({ session: flip(p.session), received: 1 })],
    ['no secret', (p: RawPoller) => ({ session: p.session.split('.')[0], received: 1 })],
    ['an unknown session', () => ({ session: `${'x'.repeat(20)}.${'y'.repeat(32)}`, received: 1 })],
    ['no session', () => ({ session: '', received: 1 })],
    ['a number that was never sent', (p: RawPoller) => ({ session: p.session, received: 2 })],
    ['a number that is forgotten', (p: RawPoller) => ({ session: p.session, received: 0 })],
  ])('%s', async (_what, body) => {
    await using server = await startServer()
    using poller = await RawPoller.connect(server.port)
    const held = poller.get()
    await until(() => only(server).conn.buffered === 0)
    using client = await RawClient.open(server.port)
    client.send({ type: SWITCH }, body(poller))
    expect((await client.close()).code).toBe(REFUSED)
    expect(client.frames).toEqual([])
    only(server).emit('to the GET')
    poller.take(await held)
    await works(server, poller)
  })

  test('the option allowUpgrades is off', async () => {
    await using server = await startServer(() => {}, { allowUpgrades: false })
    using poller = await RawPoller.connect(server.port)
    using client = await switching(server, poller.session, 1)
    expect((await client.close()).code).toBe(REFUSED)
    await works(server, poller)
  })

  test('it moves already: of two at the same time one wins (T-14 b)', async () => {
    await using server = await startServer()
    using poller = await RawPoller.connect(server.port)
    const clients = await Promise.all(Array.from({ length: 5 }, () => switching(server, poller.session, 1)))
    await until(() => clients.filter(({ closed }) => closed?.code === REFUSED).length === 4)
    const [winner] = clients.filter(({ closed }) => closed === null) as [RawClient]
    await winner.frame('SWITCHED')
    winner.send({ type: PING }, null)
    await winner.frame('PONG')
    expect(only(server).conn.transport.name).toBe('websocket')
    using late = await switching(server, poller.session, 1)
    expect((await late.close()).code).toBe(REFUSED)
    only(server).emit('m')
    expect((await winner.frame('EVENT')).event).toBe('m')
    for (const client of clients) client.terminate()
  })

  test('it has ended (T-14 c)', async () => {
    await using server = await startServer()
    for (const end of ['kick', 'leave'] as const) {
      using poller = await RawPoller.connect(server.port)
      if (end === 'kick') only(server).disconnect(true)
      else await poller.request({ method: 'DELETE' })
      using client = await switching(server, poller.session, 1)
      expect((await client.close()).code).toBe(REFUSED)
      expect(server.io.sockets.sockets.size).toBe(0)
    }
  })

  test('SWITCH may follow PING: a client may see first whether frames get through', async () => {
    await using server = await startServer()
    using poller = await RawPoller.connect(server.port)
    using client = await RawClient.open(server.port)
    for (let i = 0; i < 3; i++) {
      client.send({ type: PING }, null)
      await client.frame('PONG')
    }
    client.send({ type: SWITCH }, { session: poller.session, received: 1 })
    await client.frame('SWITCHED')
  })

  test('SWITCH that is malformed, or not the first frame, closes the WebSocket with 4003', async () => {
    await using server = await startServer()
    using poller = await RawPoller.connect(server.port)
    const good = { session: poller.session, received: 1 }
    const attempts: ((client: RawClient) => void)[] = [
      (client) => client.send({ type: SWITCH }, null),
      (client) => client.send({ type: SWITCH }, { session: poller.session }),
      (client) => client.send({ type: SWITCH }, { session: 5, received: 1 }),
      (client) => client.send({ type: SWITCH }, { session: poller.session, received: -1 }),
      (client) => client.send({ type: SWITCH, namespace: 1 }, good),
      (client) => client.sendBytes(Uint8Array.of(SWITCH)),
      (client) => client.sendBytes(Uint8Array.of(SWITCH, 0xc1)),
      (client) => {
        client.send({ type: PING }, null)
        client.send({ type: CONNECT }, { nsp: '/' })
        client.send({ type: SWITCH }, good)
      },
      (client) => {
        client.send({ type: CONNECT }, { nsp: '/' })
        client.send({ type: SWITCH }, good)
      },
    ]
    for (const attempt of attempts) {
      using client = await RawClient.open(server.port)
      attempt(client)
      expect((await client.close()).code).toBe(CLOSE_CODES.BAD_FRAME)
    }
    using large = await RawClient.open(server.port)
    large.send({ type: SWITCH }, { session: 'x'.repeat(10_000), received: 1 })
    expect((await large.close()).code).toBe(CLOSE_CODES.CONNECT_LIMIT)
    using twice = await switching(server, poller.session, 1)
    await twice.frame('SWITCHED')
    twice.send({ type: SWITCH }, good)
    expect((await twice.close()).code).toBe(CLOSE_CODES.BAD_FRAME)
  })
})

describe('a move that fails returns to polling (T-14 e)', () => {
  const FAST: ServerOptions = { pingInterval: 400, pingTimeout: 300, upgradeTimeout: 200 }

  /** Nothing was lost, whatever the WebSocket was sent. */
  async function goesOn(server: TestServer, poller: RawPoller, client: RawClient): Promise<void> {
    const socket = only(server)
    socket.emit('c')
    expect((await poller.poll())?.frames.map(({ event }) => event)).toEqual(['a', 'b', 'c'])
    expect(events(client)).toEqual(['a', 'b'])
    expect(socket.conn.transport.name).toBe('polling')
    server.io.emit('d')
    expect((await poller.poll())?.frames.map(({ event }) => event)).toEqual(['d'])
    // It may try again.
    using again = await switching(server, poller.session, poller.received)
    await again.frame('SWITCHED')
    again.send({ type: PING }, null)
    await again.frame('PONG')
    server.io.emit('e')
    expect((await again.frame('EVENT')).event).toBe('e')
    expect(kept(server)).toEqual({ sessions: 0, topics: 0, deadlines: 0, clients: 1 })
  }

  async function begin(server: TestServer): Promise<{ poller: RawPoller; client: RawClient }> {
    const poller = await RawPoller.connect(server.port)
    only(server).emit('a')
    const client = await switching(server, poller.session, 1)
    await client.frame('SWITCHED')
    only(server).emit('b')
    await until(() => events(client).length === 2)
    return { poller, client }
  }

  test('the WebSocket breaks, or is closed', async () => {
    for (const end of ['break', 'close'] as const) {
      await using server = await startServer()
      const { poller, client } = await begin(server)
      if (end === 'break') client.terminate()
      else client.closeWith(1000)
      await client.close()
      await goesOn(server, poller, client)
      poller.abandon()
    }
  })

  test('nothing comes for upgradeTimeout', async () => {
    await using server = await startServer(() => {}, FAST)
    const { poller, client } = await begin(server)
    expect((await client.close()).code).toBe(REFUSED)
    await goesOn(server, poller, client)
    poller.abandon()
  })

  test('the client goes on with a POST', async () => {
    const heard: unknown[] = []
    await using server = await startServer((io) =>
      io.on('connection', (s) => void s.on('m', (x) => void heard.push(x))),
    )
    const { poller, client } = await begin(server)
    // One that was handled before says nothing.
    expect((await poller.post(new Uint8Array(), 1)).status).toBe(204)
    expect((await poller.post(new Uint8Array(), 9)).status).toBe(409)
    poller.seq = 1
    expect(client.closed).toBe(null)
    await poller.emit('m', [1])
    expect((await client.close()).code).toBe(REFUSED)
    expect(heard).toEqual([1])
    await goesOn(server, poller, client)
    poller.abandon()
  })

  test('and a client that does not come back is given up', async () => {
    await using server = await startServer(() => {}, FAST)
    const { poller, client } = await begin(server)
    const ended = next(only(server), 'disconnect')
    client.terminate()
    expect(await ended).toMatchObject(['ping timeout', { code: CLOSE_CODES.PING_TIMEOUT }])
    expect(kept(server)).toEqual({ sessions: 0, topics: 0, deadlines: 0, clients: 0 })
    poller.abandon()
  })

  test('a move may take longer than pingTimeout', async () => {
    await using server = await startServer(() => {}, { ...FAST, upgradeTimeout: 5_000 })
    const { poller, client } = await begin(server)
    // Longer than the session would live without a request.
    const end = performance.now() + 1_000
    await until(() => performance.now() > end)
    client.send({ type: PING }, null)
    await client.frame('PONG')
    expect(only(server).conn.transport.name).toBe('websocket')
    poller.abandon()
  })
})

/**
 * A client that moves as the real one does, with an account of all it was sent: over HTTP by number, then on the
 * WebSocket behind what it had received.
 */
class Mover {
  readonly got: number[] = []
  private uplink = 0
  private client: RawClient | null = null
  private readonly loop = { isOn: false, abort: new AbortController(), done: Promise.resolve() }

  constructor(
    readonly poller: RawPoller,
    private readonly server: TestServer,
  ) {
    this.note(poller.frames)
  }

  /** Polls until it is told to stop. */
  startPolling(): void {
    const { loop, poller } = this
    loop.isOn = true
    loop.abort = new AbortController()
    loop.done = (async () => {
      while (loop.isOn) {
        let answer: HttpAnswer
        try {
          answer = await poller.get(poller.received, loop.abort.signal)
        } catch {
          return
        }
        if (answer.status === 204) continue
        expect(answer.status, answer.text).toBe(200)
        const before = poller.received
        const { first, frames } = poller.take(answer)
        expect(first).toBeLessThanOrEqual(before + 1)
        this.note(frames.slice(before + 1 - first))
      }
    })()
  }

  async send(): Promise<void> {
    this.uplink++
    if (this.client === null) await this.poller.emit('up', [this.uplink])
    else this.client.emit('up', [this.uplink])
  }

  /** @returns Whether it moved. `failure`: when the WebSocket breaks, if it does. */
  async move(failure: 'after SWITCH' | 'after SWITCHED' | 'never'): Promise<boolean> {
    const { poller, loop } = this
    const client = await RawClient.open(this.server.port)
    loop.isOn = false
    loop.abort.abort()
    await loop.done
    client.send({ type: SWITCH }, { session: poller.session, received: poller.received })
    if (failure === 'after SWITCH') {
      client.terminate()
      await client.close()
      this.startPolling()
      return false
    }
    await client.frame('SWITCHED')
    if (failure === 'after SWITCHED') {
      await new Promise((resolve) => setImmediate(resolve))
      client.terminate()
      await client.close()
      this.startPolling()
      return false
    }
    this.client = client
    await this.send()
    return true
  }

  async finish(count: number): Promise<number[]> {
    const all = () => [...this.got, ...numbersOf(this.client?.frames ?? [])]
    await until(() => all().length >= count, `${count} messages, have ${all().length}`)
    this.loop.isOn = false
    this.loop.abort.abort()
    this.poller.abandon()
    this.client?.terminate()
    return all()
  }

  private note(frames: readonly RawFrame[]): void {
    this.got.push(...numbersOf(frames))
  }
}

const numbersOf = (frames: readonly RawFrame[]) =>
  frames.filter(({ event }) => event === 'm').map(({ body }) => (body as [number])[0])

test('under load every message arrives once and in order, both ways, whatever becomes of the move', async () => {
  const random: Random = createRandom()
  console.log(`seed ${random.seed}`)
  const heard = new Map<string, number[]>()
  let count = 0
  let isSending = true
  await using server = await startServer((io) => {
    io.on('connection', (socket) => {
      socket.join('room')
      heard.set(socket.id, [])
      socket.on('up', (x: number) => {
        heard.get(socket.id)?.push(x)
        // From a handler, where it is gathered with its turn.
        if (isSending && x % 3 === 0) io.to('room').emit('m', ++count)
      })
    })
  })
  const CLIENTS = 40
  const movers: Mover[] = []
  const ids: string[] = []
  for (let i = 0; i < CLIENTS; i++) {
    const mover = new Mover(await RawPoller.connect(server.port), server)
    ids.push(((mover.poller.frames[0] as RawFrame).body as { sid: string }).sid)
    movers.push(mover)
    mover.startPolling()
  }
  const sending = (async () => {
    while (isSending) {
      for (let i = random.below(8); i > 0; i--) {
        const kind = random.below(3)
        const filler = random.chance(0.05) ? 'x'.repeat(20_000) : ''
        if (kind === 0) server.io.to('room').emit('m', ++count, filler)
        else if (kind === 1) server.io.emit('m', ++count, filler)
        else {
          count++
          for (const socket of server.io.sockets.sockets.values()) socket.emit('m', count, filler)
        }
      }
      await new Promise((resolve) =>
        random.chance(0.5) ? setImmediate(resolve) : setTimeout(resolve, random.below(3)),
      )
    }
  })()
  let moved = 0
  await Promise.all(
    movers.map(async (mover) => {
      for (let round = 0; round < 12; round++) {
        for (let i = random.below(5); i > 0; i--) await mover.send()
        const failure = random.pick(['after SWITCH', 'after SWITCHED', 'never', 'never'] as const)
        if (await mover.move(failure)) {
          moved++
          for (let i = random.below(20); i > 0; i--) await mover.send()
          return
        }
      }
    }),
  )
  await until(() => count > 500)
  isSending = false
  await sending
  const expected = Array.from({ length: count }, (_, i) => i + 1)
  for (const mover of movers) expect(await mover.finish(count)).toEqual(expected)
  expect(moved).toBeGreaterThan(CLIENTS / 2)
  for (const id of ids) {
    const list = heard.get(id) as number[]
    expect(list).toEqual(list.map((_, i) => i + 1))
  }
  expect(server.faults).toEqual([])
}, 60_000)

test('a body that comes after the move is refused, and nothing of it handled (T-14 d)', async () => {
  const heard: unknown[] = []
  await using server = await startServer((io) => io.on('connection', (s) => void s.on('m', (x) => void heard.push(x))))
  using poller = await RawPoller.connect(server.port)
  using client = await switching(server, poller.session, 1)
  await client.frame('SWITCHED')
  client.emit('m', [1])
  await until(() => heard.length === 1)
  const late = await poller.post(writeBatch([poller.encode({ type: EVENT, event: 'm' }, [2])], -1))
  expect([late.status, JSON.parse(late.text).code]).toEqual([409, 'SESSION_SWITCHED'])
  expect(heard).toEqual([1])
})
