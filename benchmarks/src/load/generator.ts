import net from 'node:net'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerRequests } from '../process/control'
import { Connection, type ConnectionEvents } from './connection'
import { DIALECTS, type DialectName } from './dialects'
import type { Dialect } from './dialects/dialect'
import { type FrameRun, type Place, repeatedRun, tickRun } from './frame-run'
import { clientFrame, serverFrame } from './ws-wire'

/*
 * The load: a process that opens connections, sends calls, and counts every delivery to the byte.
 */

const CONNECTING_AT_ONCE = 64
/** Time in which every answer must have arrived after the last call. */
const DRAIN_TIMEOUT_MS = 10_000
/** Time given to frames that should not come. */
const SURPLUS_MS = 20
const TICK_CONFIRMED = Buffer.from([1])

/** What one window of calls came to. */
export interface CallsResult {
  /** Calls sent and answered. */
  readonly calls: number
  readonly elapsedMs: number
}

/** Commands of the load process. */
export interface LoadCommands {
  /** Polls from now on instead of sleeping, so that no server pays for waking this process up. */
  stayAwake(args: undefined): void
  /** Opens `count` more connections and waits until all are in the room. */
  connect(args: { port: number; dialect: DialectName; count: number }): Promise<void>
  /** Sends batches of `depth` calls per connection, the next when all are answered, for `windowMs`. */
  call(args: { depth: number; windowMs: number }): Promise<CallsResult>
  /** Expects `perTick` frames per connection and tick, and confirms each tick to the server's gate. */
  watch(args: { gatePort: number; perTick: number }): Promise<void>
  /** Frames received since `watch`; fails unless each connection has the same number. */
  delivered(args: undefined): Promise<{ frames: number }>
  /** Bytes of the messages of a dialect, without WebSocket framing. */
  sizes(args: { dialect: DialectName }): { call: number; answer: number; tick: number }
}

const connections: Connection[] = []
let dialect: Dialect = DIALECTS.raw
let failure: Error | undefined
let onJoined = () => {}
let onFailed = (_error: Error) => {}
let onReceived = (_connection: Connection, _count: number) => {}

const events: ConnectionEvents = {
  joined: () => onJoined(),
  received: (connection, count) => onReceived(connection, count),
  failed(reason) {
    failure ??= new Error(`a connection failed: ${reason}`)
    onFailed(failure)
  },
}

answerRequests<LoadCommands>(
  {
    stayAwake,
    async connect({ port, dialect: name, count }) {
      dialect = DIALECTS[name]
      await openConnections(port, count)
    },
    call: ({ depth, windowMs }) => runCalls(depth, windowMs),
    watch: ({ gatePort, perTick }) => watchTicks(gatePort, perTick),
    async delivered() {
      await sleep(SURPLUS_MS)
      if (failure) throw failure
      return { frames: framesOfEach() * connections.length }
    },
    sizes({ dialect: name }) {
      const { call, answer, tick } = DIALECTS[name]
      return { call: call(0).payload.length, answer: answer(0).payload.length, tick: tick().payload.length }
    },
  },
  undefined,
)

function stayAwake(): void {
  setImmediate(stayAwake)
}

async function openConnections(port: number, count: number): Promise<void> {
  let opened = 0
  let joined = 0
  await untilSettled((resolve) => {
    const open = () => {
      opened++
      connections.push(new Connection(port, dialect, events))
    }
    onJoined = () => {
      joined++
      if (opened < count) open()
      else if (joined === count) resolve()
    }
    while (opened < Math.min(count, CONNECTING_AT_ONCE)) open()
  })
}

async function runCalls(depth: number, windowMs: number): Promise<CallsResult> {
  const ids = Array.from({ length: depth }, (_, id) => id)
  const batch = Buffer.concat(ids.map((id) => clientFrame(dialect.call(id))))
  const answers = repeatedRun(ids.map((id) => serverFrame(dialect.answer(id))))
  for (const connection of connections) connection.expect(answers)

  let calls = 0
  let isOver = false
  let busy = connections.length
  const send = (connection: Connection) => {
    calls += depth
    connection.write(batch)
  }

  const start = performance.now()
  await untilSettled((resolve, reject) => {
    onReceived = (connection) => {
      if (connection.frames % depth !== 0) return
      if (!isOver) send(connection)
      else if (--busy === 0) resolve()
    }
    setTimeout(() => {
      isOver = true
      setTimeout(() => reject(new Error(`${busy} connections wait for answers`)), DRAIN_TIMEOUT_MS).unref()
    }, windowMs)
    for (const connection of connections) send(connection)
  })
  const elapsedMs = performance.now() - start

  await sleep(SURPLUS_MS)
  if (failure) throw failure
  const answered = connections.reduce((sum, connection) => sum + connection.frames, 0)
  if (answered !== calls) throw new Error(`${calls} calls, ${answered} answers`)
  return { calls, elapsedMs }
}

async function watchTicks(gatePort: number, perTick: number): Promise<void> {
  expectTicks()
  const gate = net.connect({ port: gatePort, host: '127.0.0.1', noDelay: true })
  await new Promise<void>((resolve, reject) => {
    gate.once('connect', resolve)
    gate.once('error', reject)
  })
  const framesPerTick = perTick * connections.length
  let missing = framesPerTick
  onFailed = () => gate.destroy()
  onReceived = (_connection, count) => {
    missing -= count
    if (missing > 0) return
    if (missing < 0) return events.failed('more frames than the tick has')
    missing = framesPerTick
    gate.write(TICK_CONFIRMED)
  }
}

/** Each connection expects ticks from its place on; those at the same place share the frames. */
function expectTicks(): void {
  const frameAt = (at: Place | undefined) => serverFrame(dialect.tick(at))
  const runs = new Map<string, FrameRun>()
  for (const connection of connections) {
    const { place } = connection
    const key = place === undefined ? '' : `${place.room} ${place.position}`
    const run = runs.get(key) ?? tickRun(place, frameAt)
    runs.set(key, run)
    connection.expect(run)
  }
}

/** Frames that every connection has received; fails if they differ. */
function framesOfEach(): number {
  const frames = connections.map((connection) => connection.frames)
  const fewest = frames.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  const most = frames.reduce((a, b) => Math.max(a, b), 0)
  if (fewest !== most) throw new Error(`one connection received ${fewest} messages, another ${most}`)
  return most
}

/** Runs `body` until it settles or a connection fails. */
function untilSettled(body: (resolve: () => void, reject: (error: Error) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    onFailed = reject
    if (failure) reject(failure)
    else body(resolve, reject)
  })
}
