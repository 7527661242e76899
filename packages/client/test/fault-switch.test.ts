import { MESSAGE_TYPES, TYPE_MASK } from '@roomcast/protocol'
import { expect } from 'vitest'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import type { OpenTransport } from '../src/transport/transport'
import { connectSplit, follow, Numbers, type Story, sideBySide } from './fault-support'

/*
 * A connection moves from polling to a WebSocket, and the WebSocket is cut or falls silent at every moment of that. The
 * polling requests take a way of their own, on which nothing is wrong.
 */

const AT_ONCE = 4
/** Bytes from a client: the request for the upgrade, SWITCH, PING, events. And to it: the answer, SWITCHED, events. */
const LAST_BYTE = { up: 640, down: 480 }
const STEP = 5

interface Talk extends Disposable {
  readonly story: Story
  readonly transport: () => string | undefined
  /** Ends it, and tells what was wrong with what arrived. */
  finish(): Promise<string[]>
}

/** A server that counts to each client all the time, and keeps what it is sent. */
async function startCounting(options = {}): Promise<TestServer> {
  return startServer((io) => {
    io.on('connection', (socket) => {
      const up: number[] = []
      let count = 0
      const counting = setInterval(() => socket.emit('down', count++), 2)
      socket.on('disconnect', () => clearInterval(counting))
      socket.on('up', (value: number) => {
        up.push(value)
      })
      socket.on('report', () => {
        clearInterval(counting)
        return { up, count }
      })
    })
  }, options)
}

/** A client that sends numbers without a pause, begun by polling, while it moves. */
async function talk(
  server: TestServer,
  webSocketUrl: string,
  wrap?: (open: OpenTransport) => OpenTransport,
): Promise<Talk> {
  const { manager, socket } = connectSplit(
    { polling: server.url, websocket: webSocketUrl },
    { transports: ['polling', 'websocket'] },
    wrap,
  )
  const story = follow(socket)
  let down = new Numbers()
  let sent = 0
  /** Of the connection there is now. */
  let firstSent = 0
  socket.on('connect', () => {
    down = new Numbers()
    firstSent = sent
  })
  socket.on('down', (value: number) => down.take(value))
  const sending = setInterval(() => {
    if (socket.connected) socket.emit('up', sent++)
  }, 2)
  await until(() => socket.connected, 'a connection')
  return {
    story,
    transport: () => manager.transport,
    async finish() {
      clearInterval(sending)
      // Asked again if a link is lost meanwhile.
      const report = () =>
        socket
          .timeout(2_000)
          .emitWithAck('report')
          .catch(() => null)
      const { up, count } = (await until(report, 'a report')) as { up: number[]; count: number }
      const expected = Array.from({ length: sent - firstSent }, (_, i) => firstSent + i)
      const faults = [...down.faults.map((fault) => `down: ${fault}`)]
      if (down.gaps > 0 || down.last !== count - 1) faults.push(`down: ${down.last} of ${count}, ${down.gaps} left out`)
      if (`${up}` !== `${expected}`) faults.push(`up: got ${up.length} of ${expected.length}: ${up}`)
      return faults
    },
    [Symbol.dispose]() {
      clearInterval(sending)
      socket.disconnect()
    },
  }
}

async function cutAnywhere(direction: 'down' | 'up'): Promise<void> {
  await using server = await startCounting()
  const wrong: string[] = []
  const seen = { stayed: 0, anew: 0 }
  const run = async (byte: number) => {
    await using proxy = await FaultProxy.start(server.port)
    proxy.cutAfter(byte, direction)
    using talking = await talk(server, proxy.url)
    // What ends with this WebSocket does before the answer; the next one may be open by now.
    await until(() => proxy.cuts === 1, `the cut at byte ${byte}`)
    await until(() => talking.transport() !== undefined)
    const { ends } = talking.story
    const faults = await talking.finish()
    if (ends.length === 0) seen.stayed++
    else seen.anew++
    if (ends.length > 1 || (ends.length === 1 && ends[0] !== 'transport close 1006')) faults.push(`ends: ${ends}`)
    wrong.push(...faults.map((fault) => `byte ${byte}: ${fault}`))
  }
  let byte = 1
  const work = async () => {
    for (let next = byte; next <= LAST_BYTE[direction] && wrong.length === 0; next = byte) {
      byte += STEP
      await run(next)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  console.log(`cut ${direction} at bytes 1 to ${LAST_BYTE[direction]}: ${JSON.stringify(seen)}`)
  expect(wrong).toEqual([])
  // Both happen: before the move is complete, and after it.
  expect(seen.stayed).toBeGreaterThan(10)
  expect(seen.anew).toBeGreaterThan(2)
  expect(server.faults).toEqual([])
}

/** Which frames of a WebSocket are lost. */
interface Loss {
  readonly up: (frame: FrameInfo) => boolean
  readonly down: (frame: FrameInfo) => boolean
}

interface FrameInfo {
  readonly type: number
  /** Whether SWITCH was sent before. */
  readonly isSwitching: boolean
}

/** A WebSocket that opens, and then loses frames without a word. */
function losing({ up, down }: Loss): (open: OpenTransport) => OpenTransport {
  return (open) => (target, events) => {
    let isSwitching = false
    const infoOf = (frame: Uint8Array) => ({ type: (frame[0] ?? 0) & TYPE_MASK, isSwitching })
    const { onOpen, onSign, onClose } = events
    const onFrame = (frame: Uint8Array) => {
      if (!down(infoOf(frame))) events.onFrame(frame)
    }
    const link = open(target, { onOpen, onSign, onClose, onFrame })
    return {
      send: (frame) => {
        const info = infoOf(frame)
        if (!up(info)) link.send(frame)
        isSwitching ||= info.type === MESSAGE_TYPES.SWITCH
      },
      close: (code, reason) => link.close(code, reason),
      bufferedBytes: () => link.bufferedBytes(),
    }
  }
}

const none = () => false
const all = () => true

const LOSSES: Readonly<Record<string, Loss>> = {
  'what the client sends': { up: all, down: none },
  'what the server sends': { up: none, down: all },
  everything: { up: all, down: all },
  SWITCH: { up: ({ type }) => type === MESSAGE_TYPES.SWITCH, down: none },
  'what the server sends after SWITCH': { up: none, down: ({ isSwitching }) => isSwitching },
  'everything after SWITCH': { up: ({ isSwitching }) => isSwitching, down: ({ isSwitching }) => isSwitching },
}

async function costsNothing(loss: Loss): Promise<void> {
  // Shorter than a move may take: a server that does not hear of polling for so long ends the session.
  await using server = await startCounting({ pingInterval: 1_500, pingTimeout: 1_500 })
  await using proxy = await FaultProxy.start(server.port)
  using talking = await talk(server, proxy.url, losing(loss))
  await until(() => proxy.accepted === 1, 'a WebSocket')
  await until(() => proxy.openLinks === 0, 'the WebSocket to be given up')
  // Long enough for either side to miss the other.
  const quietUntil = performance.now() + 3_500
  await until(() => performance.now() > quietUntil)
  expect(talking.story).toEqual({ connects: 1, ends: [] })
  expect(talking.transport()).toBe('polling')
  expect(await talking.finish()).toEqual([])
  expect(server.faults).toEqual([])
}

async function beginsClean(): Promise<void> {
  await using server = await startCounting({ pingInterval: 1_500, pingTimeout: 1_500, upgradeTimeout: 1_000 })
  await using proxy = await FaultProxy.start(server.port)
  let webSockets = 0
  const first = losing({ up: ({ isSwitching }) => webSockets === 1 && isSwitching, down: none })
  using talking = await talk(server, proxy.url, (open) => (target, events) => {
    webSockets++
    return first(open)(target, events)
  })
  await until(() => talking.story.connects === 2, 'another connection')
  expect(talking.story.ends).toEqual(['transport close 4011'])
  await until(() => talking.transport() === 'websocket', 'a WebSocket')
  expect(await talking.finish()).toEqual([])
  await until(() => server.io.engine.clientsCount === 1, 'no ghost')
  expect(server.faults).toEqual([])
}

const opens = 'a WebSocket that opens and then loses'

sideBySide(60_000, {
  'a WebSocket that is cut at any byte up takes nothing with it, or the connection begins anew': () =>
    cutAnywhere('up'),
  'a WebSocket that is cut at any byte down takes nothing with it, or the connection begins anew': () =>
    cutAnywhere('down'),
  ...Object.fromEntries(
    Object.entries(LOSSES).map(([what, loss]) => [
      `${opens} ${what} costs nothing but the try`,
      () => costsNothing(loss),
    ]),
  ),
  [`${opens} what the client sends after SWITCH ends the connection, and the next one begins clean`]: beginsClean,
})
