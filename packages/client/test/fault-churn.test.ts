import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Server } from '@roomcast/server'
import { expect, test } from 'vitest'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { RawPoller } from '../../../test-kit/raw-poller'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import { Crowd, eventually } from './fault-support'
import { turns } from './support'

/*
 * Clients that connect, join rooms, and are gone without a word, again and again. When all is quiet nothing of them is
 * left. `CHURN=100000` for the long run.
 */

const TOTAL = Number(process.env.CHURN ?? 1_500)
/** The real client costs more by polling than the server does. */
const SHARE = { websocket: 1, polling: 0.15, 'raw polling': 1 }
const AT_ONCE = 50
/** Of which the names of ended sessions, kept for two minutes, and the tables of the test itself are a part. */
const HEAP_BYTES = 8 * 1_048_576
const PINGS = { pingInterval: 500, pingTimeout: 500, connectTimeout: 1_000 }

/** What is not seen from outside. */
interface Insides {
  readonly runtime: {
    readonly wheel: { readonly size: number }
    readonly callResults: { clear(): void }
    readonly engine: { readonly store: { close(): void } }
  }
  readonly topics: { readonly size: number }
  readonly pollSessions: { readonly size: number }
}

/** What is remembered of calls, on purpose: for two minutes, within bounds that have tests of their own. */
function forgetCalls(io: Server): void {
  const { callResults, engine } = (io as unknown as Insides).runtime
  callResults.clear()
  engine.store.close()
}

function census(io: Server) {
  const { runtime, topics, pollSessions } = io as unknown as Insides
  return {
    connections: io.engine.clientsCount,
    sockets: io.sockets.sockets.size,
    rooms: io.sockets.adapter.rooms.size,
    deadlines: runtime.wheel.size,
    topics: topics.size,
    sessions: pollSessions.size,
  }
}

function openFiles(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0
}

function activeTimers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** After a collection, and a turn for what is told of it. */
async function heapBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect()
    await turns()
  }
  return process.memoryUsage().heapUsed
}

/** Clients connect and join rooms; the network is cut; half of the rounds they come back once; then they are gone for good. */
async function round(proxy: FaultProxy, transport: keyof typeof SHARE, index: number): Promise<void> {
  if (transport === 'raw polling') {
    const pollers = await Promise.all(Array.from({ length: AT_ONCE }, () => RawPoller.connect(proxy.port)))
    for (const [i, poller] of pollers.entries()) {
      // With a GET on its way, or without one.
      if (i % 2 === 1) poller.start()
      poller.abandon()
    }
    return
  }
  using crowd = new Crowd(proxy.url).add(AT_ONCE, { transports: [transport], retries: 10 })
  const join = async () => {
    await until(() => crowd.areConnected, `the clients of round ${index}`)
    // Sent again where the cut has taken it, or its answer.
    await Promise.all(crowd.sockets.map((socket, i) => socket.emitWithAck('join', [`room ${i}`, `shared ${i % 10}`])))
  }
  await join()
  if (index % 2 === 1) {
    proxy.cut()
    await join()
  }
  // Nothing that they try gets through any more, no good-bye either.
  proxy.refuse()
  proxy.cut()
  await until(() => proxy.openLinks === 0)
  crowd[Symbol.dispose]()
  proxy.pass()
}

for (const transport of ['websocket', 'polling', 'raw polling'] as const) {
  const total = Math.ceil((TOTAL * SHARE[transport]) / AT_ONCE) * AT_ONCE
  test(`${total} clients come over ${transport} and are gone without a word, and nothing of them is left`, {
    timeout: 60_000 + TOTAL * 10,
  }, async () => {
    await using server = await startServer((io) => {
      io.on('connection', (socket) => {
        socket.join('everybody')
        socket.on('join', (rooms: string[]) => {
          socket.join(rooms)
          return true
        })
      })
    }, PINGS)
    await using proxy = await FaultProxy.start(server.port)
    const { io } = server
    const churn = async (clients: number) => {
      for (let i = 0; i < clients / AT_ONCE; i++) await round(proxy, transport, i)
      await eventually(() => io.engine.clientsCount === 0, 'the last connection to be gone', 20_000)
      await eventually(() => census(io).sessions === 0, 'the last session to be gone', 20_000)
      // HTTP connections that wait for another request.
      proxy.cut()
    }
    // What is made once, whatever the number, is made here.
    await churn(AT_ONCE * 2)
    const before = { files: openFiles(), timers: activeTimers(), heap: await heapBytes() }
    const at = performance.now()
    await churn(total)
    const took = performance.now() - at
    forgetCalls(io)
    expect(census(io)).toEqual({ connections: 0, sockets: 0, rooms: 0, deadlines: 0, topics: 0, sessions: 0 })
    await eventually(() => openFiles() <= before.files + 5, 'the files to be closed', 10_000)
    await eventually(() => activeTimers() <= before.timers + 2, 'the timers to be gone', 15_000)
    const grown = (await heapBytes()) - before.heap
    console.log(`${total} over ${transport}: ${took.toFixed(0)} ms, heap grown by ${(grown / 1024).toFixed(0)} KiB`)
    expect(grown).toBeLessThan(HEAP_BYTES)
    expect(server.faults).toEqual([])
  })
}
