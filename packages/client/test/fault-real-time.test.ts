import type { Manager, Socket } from '@roomcast/client'
import { expect } from 'vitest'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { HttpFaultProxy } from '../../../test-kit/http-fault'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { FaultProcess } from './fault-process'
import { Crowd, collectNumbers, connect, eventually, follow, type Numbers, Sender, sideBySide } from './fault-support'

/*
 * Faults whose times are those of the product, or of the engine, and cannot be made shorter. Limits have some more only
 * because machines are busy.
 */

const SLACK_MS = 1_500

async function wait(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

// ---- A cable that was pulled: neither side is told anything, and both find it by silence.

/** The engine looks at its WebSockets every 4 s, and gives up one that was silent for 8 s at the least. */
const ENGINE_MS = 8_000
const DEFAULTS = { pingInterval: 5_000, pingTimeout: 5_000 }
const QUICK_PINGS = { pingInterval: 300, pingTimeout: 300 }

async function halfOpen(transport: string, pings: typeof DEFAULTS, isPublishing: boolean): Promise<void> {
  const ends: { readonly id: string; readonly reason: string; readonly at: number }[] = []
  await using server = await startServer((io) => {
    io.on('connection', (socket) => {
      socket.join('all')
      socket.on('disconnect', (reason) => ends.push({ id: socket.id, reason, at: performance.now() }))
    })
  }, pings)
  await using proxy = await FaultProxy.start(server.port)
  const publishing = setInterval(() => isPublishing && server.io.to('all').emit('tick'), 20)
  using socket = connect(proxy.url, { transports: [transport], timeout: 500 })
  const story = follow(socket)
  await until(() => socket.connected, 'a connection')
  const { id } = socket
  // A while in which nothing is wrong, and nothing is to be noticed.
  await wait(1_000)
  expect(story).toEqual({ connects: 1, ends: [] })

  proxy.swallow()
  const cutAt = performance.now()
  const limitMs = pings.pingInterval + pings.pingTimeout + SLACK_MS
  await eventually(() => story.ends.length === 1, 'the client to notice', limitMs)
  const clientMs = performance.now() - cutAt
  expect(story.ends).toEqual(['ping timeout 4008'])
  const serverLimitMs = transport === 'polling' ? limitMs : Math.max(limitMs, ENGINE_MS + SLACK_MS)
  await eventually(() => ends.length === 1, 'the server to notice', serverLimitMs)
  const serverMs = (ends[0]?.at ?? 0) - cutAt
  const { pingInterval, pingTimeout } = pings
  console.log(
    `half-open ${transport}, ${pingInterval}/${pingTimeout} ms, ${isPublishing ? 'publishing' : 'silent'}: ` +
      `client ${clientMs.toFixed(0)} ms, server ${serverMs.toFixed(0)} ms`,
  )
  expect(ends[0]).toMatchObject({ id, reason: 'ping timeout' })

  proxy.pass()
  await until(() => socket.connected, 'the client to be back')
  await until(() => server.io.engine.clientsCount === 1 && server.io.sockets.sockets.size === 1, 'no ghost')
  expect(server.io.sockets.sockets.has(id ?? '')).toBe(false)
  clearInterval(publishing)
  expect(server.faults).toEqual([])
}

// ---- One request that nobody ever answers, while others get through.

async function deadGet(): Promise<void> {
  await using server = await startServer(collectNumbers, { pingInterval: 300, pingTimeout: 600 })
  await using proxy = await HttpFaultProxy.start(server.port)
  using socket = connect(proxy.url, { transports: ['polling'] })
  const story = follow(socket)
  await until(() => socket.connected)
  const heard: unknown[] = []
  socket.on('news', (value) => heard.push(value))
  proxy.holdAnswers('GET', 1)
  server.io.emit('news', 1)
  await until(() => proxy.heldAnswers === 1, 'an answer that is held')
  server.io.emit('news', 2)
  // That these are answered must not hide it.
  const sending = setInterval(() => socket.emit('echo', 'I am well'), 50)
  await eventually(() => heard.length === 2, 'another GET, with what the first one had', 900 + SLACK_MS)
  clearInterval(sending)
  expect(heard).toEqual([1, 2])
  expect([story.connects, story.ends]).toEqual([1, []])
  await socket.timeout(5_000).emitWithAck('echo', 1)
  await until(() => server.io.engine.clientsCount === 1, 'no ghost')
}

async function deadPost(): Promise<void> {
  let received = new Map<string, Numbers>()
  await using server = await startServer((io) => {
    received = collectNumbers(io)
  })
  await using proxy = await HttpFaultProxy.start(server.port)
  using socket = connect(proxy.url, { transports: ['polling'] })
  const story = follow(socket)
  await socket.emitWithAck('n', 'up', 0)
  proxy.holdAnswers('POST', 1)
  const sender = new Sender(socket, 'up')
  await until(() => proxy.heldAnswers === 1, 'an answer that is held')
  await socket.timeout(15_000).emitWithAck('echo', 1)
  sender.stop()
  await socket.timeout(5_000).emitWithAck('echo', 2)
  // The first number was there already.
  expect(received.get('up')).toMatchObject({ faults: ['0 after 0'], gaps: 0, last: sender.count - 1 })
  expect(story).toEqual({ connects: 1, ends: [] })
}

// ---- A loop that stood still for longer than the engine waits for a WebSocket.

async function longStall(): Promise<void> {
  await using child = await FaultProcess.start()
  // The engine waits 8 s then, and the clients ask only after 11.
  const port = await child.ask('serve', { pingInterval: 11_000, pingTimeout: 900 })
  using crowd = new Crowd(`http://127.0.0.1:${port}`)
  for (const transport of ['websocket', 'polling']) crowd.add(10, { transports: [transport] })
  await until(() => crowd.areConnected, 'all clients')
  await child.ask('stall', 9_500)
  await crowd.echo()
  // What the engine's timer would do, it does within one of its periods.
  await wait(4_500)
  expect(await child.ask('report')).toEqual([])
  expect(crowd.ends).toEqual([])
}

// ---- Networks that let no WebSocket through, each in its way.

/** Within this time polling has to carry the connection. */
const USABLE_MS = 5_000
/** A WebSocket is tried again after 10 s, and may take some more to take over. */
const REPROBE_LIMIT_MS = 25_000
/** Of an attempt; one that hangs is given up then. */
const TIMEOUT_MS = 5_000

const transportOf = (socket: Socket) => (socket.io as Manager).transport

interface Blocked {
  readonly block: (proxy: HttpFaultProxy) => void
  /** Upgrades that are tried at most before polling carries the connection. */
  readonly tries: number
  /** Until when the first of them has ended. @default at once */
  readonly endsMs?: number
}

async function blocked(what: string, { block, tries, endsMs = 0 }: Blocked): Promise<void> {
  let received = new Map<string, Numbers>()
  await using server = await startServer((io) => {
    received = collectNumbers(io)
  })
  await using proxy = await HttpFaultProxy.start(server.port)
  block(proxy)
  const isCutting = tries > 1
  const begun = performance.now()
  using first = connect(proxy.url, { timeout: TIMEOUT_MS })
  const story = follow(first)
  const sender = new Sender(first, 'first')
  await until(() => transportOf(first) === 'polling' && first.connected, 'polling')
  await first.timeout(USABLE_MS).emitWithAck('echo', 1)
  const usableMs = performance.now() - begun
  console.log(`a network that ${what}: usable after ${usableMs.toFixed(0)} ms, ${proxy.upgrades} upgrades`)
  expect(usableMs).toBeLessThan(USABLE_MS)
  // One that is reset before it has said anything counts as three.
  const tried = proxy.upgrades
  expect(tried).toBeGreaterThan(0)
  expect(tried).toBeLessThanOrEqual(tries)
  if (!isCutting) expect(story).toEqual({ connects: 1, ends: [] })

  // Later connections do not ask for a WebSocket first. Late enough for their own next try to be behind the fault.
  await wait(endsMs > 0 ? endsMs + 2_000 : 4_000)
  using second = connect(proxy.url)
  const secondStory = follow(second)
  const secondSender = new Sender(second, 'second')
  await second.timeout(USABLE_MS).emitWithAck('echo', 1)
  expect(transportOf(second)).toBe('polling')
  expect(proxy.upgrades).toBe(tried)

  // It is tried again, which costs nothing but the try.
  const endsBefore = story.ends.length
  await eventually(() => proxy.upgrades > tried, 'another try', REPROBE_LIMIT_MS)
  await wait(1_000)
  if (!isCutting) {
    await first.timeout(10_000).emitWithAck('echo', 2)
    expect(story.ends.length).toBe(endsBefore)
  }

  // The fault ends: WebSocket takes over, and takes nothing with it.
  proxy.pass()
  await eventually(() => transportOf(second) === 'websocket', 'a WebSocket', REPROBE_LIMIT_MS)
  await second.timeout(10_000).emitWithAck('echo', 3)
  expect(secondStory).toEqual({ connects: 1, ends: [] })
  for (const [socket, { count }, name] of [
    [first, sender.stop(), 'first'],
    [second, secondSender.stop(), 'second'],
  ] as const) {
    await until(() => socket.connected)
    await socket.timeout(10_000).emitWithAck('echo', 4)
    const got = received.get(name)
    expect(got?.faults).toEqual([])
    // What was on its way when a link was reset may be lost.
    if (!isCutting || name === 'second') expect(got).toMatchObject({ gaps: 0, last: count - 1 })
  }
  expect(server.faults).toEqual([])
}

const BLOCKS: Readonly<Record<string, Blocked>> = {
  'answers upgrades with 403': { block: (proxy) => proxy.refuseUpgrade(403), tries: 1 },
  'never answers an upgrade': { block: (proxy) => proxy.hangUpgrade(), tries: 1, endsMs: TIMEOUT_MS },
  'lets upgrades through and then nothing': { block: (proxy) => proxy.silenceUpgrade(), tries: 1 },
  'resets every WebSocket after a while': { block: (proxy) => proxy.resetUpgradeAfter(150), tries: 3 },
}

const found = 'a half-open link is found by both sides, and the client comes back:'

sideBySide(60_000, {
  [`${found} polling, short times, a silent server`]: () => halfOpen('polling', QUICK_PINGS, false),
  [`${found} polling, short times, a server that publishes`]: () => halfOpen('polling', QUICK_PINGS, true),
  [`${found} polling, default times`]: () => halfOpen('polling', DEFAULTS, true),
  [`${found} WebSocket, short times, a silent server`]: () => halfOpen('websocket', QUICK_PINGS, false),
  [`${found} WebSocket, short times, a server that publishes`]: () => halfOpen('websocket', QUICK_PINGS, true),
  [`${found} WebSocket, default times`]: () => halfOpen('websocket', DEFAULTS, false),
  'a GET that nobody answers is missed, even if POSTs are answered': deadGet,
  'a POST that nobody answers is sent again, and has one effect': deadPost,
  'a server that stood still for longer than the engine waits condemns nobody': longStall,
  ...Object.fromEntries(
    Object.entries(BLOCKS).map(([what, fault]) => [
      `a network that ${what}: polling within 5 s, remembered, and WebSocket when it gets through again`,
      () => blocked(what, fault),
    ]),
  ),
})
