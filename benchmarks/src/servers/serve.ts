import { readFileSync } from 'node:fs'
import net from 'node:net'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Audience, PAYLOADS, type PayloadName } from '../payloads'
import { bun } from '../process/bun'
import { answerRequests } from '../process/control'

/*
 * The part that every server under test shares: it measures its own CPU and memory, and paces broadcasts.
 */

const COLLECTIONS = 4
const COLLECTION_PAUSE_MS = 100
/** Together some 15 MB, several times the young generation that `idle` gives to servers. */
const SHORT_LIVED_OBJECTS = 300_000
/** Time in which a tick must have reached every member. */
const TICK_TIMEOUT_MS = 10_000

/**
 * What the application does beside what it always does. Each is a listener or more on every connection, so it is there
 * only in the modes that measure it.
 *
 * - `say`: a SAY_EVENT of one member goes to the others.
 * - `groups`: a connection tells its number, and joins groups.
 * - `polling`: clients come over HTTP, and over nothing else where the server lets one choose.
 * - `presence`: a connection tells its name, and those who want to see who comes and goes.
 * - `paused`: some connections join PAUSED_ROOM beside the room.
 */
export type Feature = 'say' | 'groups' | 'polling' | 'presence' | 'paused'

/** A server under test: it lets every connection join one room and answers calls with their value. */
export interface ServerUnderTest {
  readonly port: number
  /** Connections in the room. */
  members(): number | Promise<number>
  /** Sends a TICK_EVENT to the room. */
  publish(payload: PayloadName): void
  /** Sends it to those in the groups `a` and `b`, once to each, except those in `c`. Missing: the peer has no such thing. */
  publishUnion?(payload: PayloadName): void
  /** Sends a TICK_EVENT with these bytes to PAUSED_ROOM. Missing: the peer has no such room. */
  publishPaused?(bytes: Uint8Array): void
  /** Connections in PAUSED_ROOM. */
  pausedMembers?(): number
}

/** What ticks are. */
export interface TicksOptions {
  readonly payload: PayloadName
  readonly perTick: number
  readonly audience: Audience
  /** `one`: the messages of a tick leave in one turn of the event loop; `each`: each has a turn of its own. */
  readonly turns: 'one' | 'each'
  readonly windowMs: number
}

/** What one window of ticks came to. */
export interface TicksResult {
  readonly ticks: number
  readonly elapsedMs: number
  /** CPU of this process, in microseconds. */
  readonly cpuUs: number
}

/** Memory of this process, in bytes. */
export interface MemoryResult {
  readonly rssBytes: number
  /** The part of RSS that is no file: without the pages of the executable that happened to be needed. Of Linux; else NaN. */
  readonly anonymousBytes: number
  /** The part of the JavaScript heap that is in use. */
  readonly heapBytes: number
}

/** What a server announces when it is ready. */
export interface ServerReady {
  readonly port: number
  /** Port on which the load confirms ticks, one byte each. */
  readonly gatePort: number
}

/** Commands of a server process. */
export interface ServerCommands {
  /** CPU since the start of the process, user and system, in microseconds. */
  cpu(args: undefined): number
  /** Memory after garbage collection. */
  memory(args: undefined): Promise<MemoryResult>
  members(args: undefined): number | Promise<number>
  /** Sends ticks for `windowMs`, each when the one before has been confirmed. */
  tick(args: TicksOptions): Promise<TicksResult>
  /** Sends so many bytes to PAUSED_ROOM, in messages of 64 KiB that have a turn of the event loop each. */
  fill(args: { bytes: number }): Promise<void>
  /** Connections that are still in PAUSED_ROOM. */
  pausedMembers(args: undefined): number
}

/** Starts `start` and serves the runner's requests. */
export async function serve(start: (features: ReadonlySet<Feature>) => Promise<ServerUnderTest>): Promise<void> {
  // As the session has given them.
  const server = await start(new Set(process.argv.slice(2) as Feature[]))
  const gate = await openGate()
  answerRequests<ServerCommands>(
    {
      cpu: () => cpuUs(),
      memory,
      members: () => server.members(),
      tick: (options) => runTicks(gate, options.windowMs, tickOf(server, options)),
      fill: ({ bytes }) => fill(server, bytes),
      pausedMembers: () => server.pausedMembers?.() ?? 0,
    },
    { port: server.port, gatePort: gate.port } satisfies ServerReady,
  )
}

interface Gate {
  readonly port: number
  onConfirmed(count: number): void
  onClosed(): void
}

async function openGate(): Promise<Gate> {
  const gateServer = net.createServer({ noDelay: true }, (socket) => {
    socket.on('data', (bytes) => gate.onConfirmed(bytes.length))
    socket.on('error', () => {})
    socket.on('close', () => gate.onClosed())
  })
  await new Promise<void>((resolve) => gateServer.listen(0, '127.0.0.1', resolve))
  const { port } = gateServer.address() as net.AddressInfo
  const gate: Gate = { port, onConfirmed: () => {}, onClosed: () => {} }
  return gate
}

/** What sends one tick. */
function tickOf(server: ServerUnderTest, { payload, perTick, audience, turns }: TicksOptions): () => void {
  if (audience === 'union' && !server.publishUnion) throw new Error('this peer cannot send to a union of rooms')
  const publish = audience === 'union' ? () => server.publishUnion?.(payload) : () => server.publish(payload)
  if (turns === 'one') {
    return () => {
      for (let i = 0; i < perTick; i++) publish()
    }
  }
  const publishRest = (left: number) => {
    publish()
    if (left > 1) setImmediate(publishRest, left - 1)
  }
  return () => publishRest(perTick)
}

function runTicks(gate: Gate, windowMs: number, tick: () => void): Promise<TicksResult> {
  return new Promise((resolve, reject) => {
    const stop = (error: Error) => {
      clearInterval(watchdog)
      gate.onConfirmed = () => {}
      reject(error)
    }
    let ticks = 0
    let ticksSeen = -1
    const watchdog = setInterval(() => {
      if (ticks === ticksSeen) stop(new Error(`tick ${ticks + 1} did not reach every member`))
      ticksSeen = ticks
    }, TICK_TIMEOUT_MS)
    gate.onClosed = () => stop(new Error('the load gave up'))
    gate.onConfirmed = (count) => {
      if (count !== 1) return stop(new Error(`${count} confirmations of one tick`))
      ticks++
      const elapsedMs = performance.now() - start
      if (elapsedMs < windowMs) return tick()
      const used = cpuUs() - startCpuUs
      clearInterval(watchdog)
      gate.onClosed = () => {}
      resolve({ ticks, elapsedMs, cpuUs: used })
    }
    const startCpuUs = cpuUs()
    const start = performance.now()
    tick()
  })
}

async function fill(server: ServerUnderTest, totalBytes: number): Promise<void> {
  if (!server.publishPaused) throw new Error('this peer has no room for those that are paused')
  for (let bytes = 0; bytes < totalBytes; bytes += PAYLOADS.binary.length) {
    // A copy: an application seldom sends the same memory again, and what waits is to take some.
    server.publishPaused(PAYLOADS.binary.slice())
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

async function memory(): Promise<MemoryResult> {
  for (let i = 0; i < COLLECTIONS; i++) {
    await sleep(COLLECTION_PAUSE_MS)
    if (bun) bun.gc(true)
    else globalThis.gc?.()
  }
  const { heapUsed } = process.memoryUsage()
  fillYoungGeneration()
  return { rssBytes: process.memoryUsage.rss(), anonymousBytes: anonymousBytes(), heapBytes: heapUsed }
}

/**
 * V8 maps pages of the young generation when they are needed, and gives them back at times of its own: up to 2 MB more or
 * less, as much as the connections of the fastest peer. After this all of them are there, at every reading.
 */
function fillYoungGeneration(): void {
  let last: unknown[] = []
  for (let i = 0; i < SHORT_LIVED_OBJECTS; i++) last = [i, last[0]]
  if (last.length === 0) throw new Error('there are no objects')
}

function anonymousBytes(): number {
  if (process.platform !== 'linux') return Number.NaN
  const kilobytes = /^RssAnon:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return Number(kilobytes) * 1024
}
