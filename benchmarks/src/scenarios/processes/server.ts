import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Server, type ServerOptions } from '@roomcast/server'
import { answerRequests } from '../../process/control'
import { clockUs } from '../clock'
import { ECHO_EVENT, MESSAGE_EVENT } from '../payload'
import { count, type Tally } from '../tally'

/*
 * The server of a scenario: it puts clients into rooms, lets them join others, and sends at a rate.
 */

const LARGEST_PAUSE_MS = 5
const RSS_EVERY_MS = 100
const COLLECTIONS = 4
const COLLECTION_PAUSE_MS = 100
const PAGE_BYTES = 4_096
/** Of an offer to each room, between two looks at the memory. */
const OFFER_BATCH_BYTES = 65_536
/** Of those to nobody. */
const BATCHES_PER_LOOK = 64

/** Messages to a room. */
export interface Production {
  readonly room: string
  /** Bytes of filling in each message. */
  readonly bytes: number
  readonly perSecond: number
  readonly windowMs: number
  /** Each message is the latest of one of so many keys; 0 for messages that are all wanted. */
  readonly keys: number
}

/** What a {@link Production} came to. */
export interface Produced {
  readonly sent: number
  /** Number of the last message to the room. */
  readonly last: number
  /** Largest RSS that was seen meanwhile, in bytes. */
  readonly rssBytes: number
  /** How late the latest emit was, in milliseconds. */
  readonly latestMs: number
}

/** Messages that do not wait for anybody. */
export interface Offer {
  readonly rooms: readonly string[]
  /** Bytes of filling in each message. */
  readonly bytes: number
  /** For each room. */
  readonly totalBytes: number
}

/** A moment of a {@link ServerCommands.watch}. */
export interface MemorySample {
  readonly ms: number
  readonly rssBytes: number
  /** Memory of all TCP sockets of the machine, in bytes; undefined where the kernel does not tell. */
  readonly tcpBytes: number | undefined
  readonly connections: number
}

/** Commands of the process. */
export interface ServerCommands {
  /** Listens on a free port. @returns It. */
  listen(args: { options: ServerOptions }): Promise<number>
  members(args: { room: string }): number
  /** RSS after garbage collection, in bytes. */
  memory(args: undefined): Promise<number>
  /** Sends messages at a steady rate. */
  produce(args: Production): Promise<Produced>
  /**
   * Sends messages to each of several rooms, as fast as they can be emitted.
   *
   * @returns RSS after garbage collection before, and the largest one between messages, in bytes; number of the last
   *          message to the first room.
   */
  offer(args: Offer): Promise<{ before: number; largest: number; last: number }>
  /** Samples memory from now on. */
  watch(args: { everyMs: number }): void
  /** Ends it. */
  watched(args: undefined): MemorySample[]
  /** How sockets have ended since the last call: reason and close code. */
  ends(args: undefined): Tally
}

let io: Server
let ends: Tally = {}
const numbers = new Map<string, number>()
let watching: NodeJS.Timeout | undefined
let samples: MemorySample[] = []

answerRequests<ServerCommands>(
  {
    async listen({ options }) {
      io = new Server(options)
      io.rooms('*', { authorize: () => true })
      io.on('connection', (socket) => {
        const { room = '' } = socket.handshake.auth as { room?: string }
        if (room !== '') socket.join(room)
        socket.on(ECHO_EVENT, (value: unknown) => value)
        socket.on('disconnect', (reason, details) => count(ends, `${reason} ${details?.code ?? ''}`.trimEnd()))
      })
      await io.listen({ port: 0, host: '127.0.0.1' })
      return io.port
    },
    members: ({ room }) => membersOf(room),
    memory: settledRss,
    produce,
    offer,
    watch({ everyMs }) {
      const started = performance.now()
      samples = []
      const sample = () => {
        const ms = performance.now() - started
        const rssBytes = process.memoryUsage.rss()
        samples.push({ ms, rssBytes, tcpBytes: kernelTcpBytes(), connections: io.engine.clientsCount })
      }
      sample()
      watching = setInterval(sample, everyMs)
    },
    watched() {
      clearInterval(watching)
      return samples
    },
    ends() {
      const tally = ends
      ends = {}
      return tally
    },
  },
  undefined,
)

async function produce({ room, bytes, perSecond, windowMs, keys }: Production): Promise<Produced> {
  const filling = new Uint8Array(bytes).fill(1)
  const start = performance.now()
  const total = Math.floor((windowMs * perSecond) / 1_000)
  let rssBytes = process.memoryUsage.rss()
  let rssAt = start
  let latestMs = 0
  for (let sent = 0; sent < total; ) {
    const now = performance.now()
    const due = Math.min(total, Math.floor(((now - start) * perSecond) / 1_000))
    if (due > sent) latestMs = Math.max(latestMs, now - start - (sent * 1_000) / perSecond)
    for (; sent < due; sent++) emit(room, filling, keys)
    if (now - rssAt > RSS_EVERY_MS) {
      rssBytes = Math.max(rssBytes, process.memoryUsage.rss())
      rssAt = now
    }
    await sleep(Math.min(LARGEST_PAUSE_MS, ((sent + 1) * 1_000) / perSecond - (performance.now() - start)))
  }
  return { sent: total, last: numbers.get(room) ?? 0, rssBytes, latestMs }
}

async function offer({ rooms, bytes, totalBytes }: Offer) {
  const filling = new Uint8Array(bytes).fill(1)
  const before = await settledRss()
  let largest = before
  const batchBytes = OFFER_BATCH_BYTES
  for (let offered = 0; offered < totalBytes; offered += batchBytes) {
    for (const room of rooms) {
      for (let batch = 0; batch < batchBytes; batch += bytes) emit(room, filling, 0)
    }
    await new Promise((resolve) => setImmediate(resolve))
    // A collection takes longer than a batch: only as long as somebody has something outstanding.
    const hasReaders = rooms.some((room) => membersOf(room) > 0)
    if (hasReaders || offered % (batchBytes * BATCHES_PER_LOOK) === 0) {
      globalThis.gc?.()
      largest = Math.max(largest, process.memoryUsage.rss())
    }
  }
  return { before, largest, last: numbers.get(rooms[0] ?? '') ?? 0 }
}

function membersOf(room: string): number {
  return io.of('/').adapter.rooms.get(room)?.size ?? 0
}

function emit(room: string, filling: Uint8Array, keys: number): void {
  const number = (numbers.get(room) ?? 0) + 1
  numbers.set(room, number)
  if (keys === 0) io.to(room).emit(MESSAGE_EVENT, clockUs(), number, 0, filling)
  else {
    const key = number % keys
    io.to(room).latest(String(key)).emit(MESSAGE_EVENT, clockUs(), number, key, filling)
  }
}

async function settledRss(): Promise<number> {
  for (let i = 0; i < COLLECTIONS; i++) {
    await sleep(COLLECTION_PAUSE_MS)
    globalThis.gc?.()
  }
  return process.memoryUsage.rss()
}

/** Of all sockets of the machine: the kernel counts whole pages. */
function kernelTcpBytes(): number | undefined {
  try {
    const pages = /^TCP:.* mem (\d+)$/m.exec(readFileSync('/proc/net/sockstat', 'utf8'))?.[1]
    return pages === undefined ? undefined : Number(pages) * PAGE_BYTES
  } catch {
    return undefined
  }
}
