import { createHeader, encodeFrame, MESSAGE_TYPES, readHeader } from '@roomcast/protocol'
import type { AnySocket } from '../../../packages/server/src/api/socket'
import { CALL_EVENT, CALL_VALUE } from '../../src/payloads'
import { demand, each, keep, type MicroCase, type MicroGroup } from '../micro-case'
import { engineWire } from '../parts/engine-wire'
import { Outgoing } from '../parts/fake-wire'
import { type RoomcastLink, RoomcastParts } from '../parts/roomcast'
import { type SocketIoLink, SocketIoParts } from '../parts/socketio'
import { isSameValue, variantsOf } from '../variants'

/*
 * From the bytes of an event to those of its ack: decode, find the handler, call it, encode.
 */

const WITH_ACK = 'decode, look up, call, encode'
const WITHOUT_ACK = 'decode, look up, call'
const LINKS = 64
const OPERATIONS = 512
const VALUES = variantsOf<unknown>(CALL_VALUE, 16)

/** An event that wants an answer, and one that wants none. */
export async function dispatchSuite(): Promise<readonly MicroGroup[]> {
  return [
    {
      title: 'event with ack',
      baseline: WITH_ACK,
      cases: [
        bare(true),
        await roomcast('Roomcast: the handler calls the ack', (socket) =>
          socket.on(CALL_EVENT, (value, ack) => (ack as (value: unknown) => void)(value)),
        ),
        await roomcast('Roomcast: the handler returns its answer', (socket) =>
          socket.on(CALL_EVENT, (value: unknown) => value),
        ),
        await roomcast('Roomcast: through a middleware', (socket) =>
          socket.use((_packet, next) => next()).on(CALL_EVENT, (value: unknown) => value),
        ),
        await roomcast(
          'Roomcast: with the WebSocket of the engine',
          (socket) => socket.on(CALL_EVENT, (value: unknown) => value),
          true,
        ),
        await roomcastAsync(),
        await socketIo(true),
      ],
    },
    {
      title: 'event without ack',
      baseline: WITHOUT_ACK,
      cases: [bare(false), await roomcastSilent(), await socketIo(false)],
    },
  ]
}

const callFrames = (parts: RoomcastParts, isAnswered: boolean) =>
  VALUES.map((value, i) =>
    parts.frame({ type: MESSAGE_TYPES.EVENT, event: CALL_EVENT, ...(isAnswered ? { ackId: 100 + i } : {}) }, [value]),
  )

/** What has to be done in any case, with Roomcast's own codec: the rest is what a framework costs. */
function bare(isAnswered: boolean): MicroCase {
  const parts = new RoomcastParts()
  const { codec } = parts.runtime
  const outgoing = new Outgoing()
  const handlers = new Map<string, (value: unknown) => unknown>([
    ['say', (value) => value],
    [CALL_EVENT, (value) => value],
  ])
  const frames = callFrames(parts, isAnswered)
  const header = createHeader()
  const handle = (i: number) => {
    const { event, ackId, bodyStart } = readHeader(frames[i % VALUES.length] as Uint8Array, header)
    const [value] = codec.decode(frames[i % VALUES.length] as Uint8Array, bodyStart) as unknown[]
    const answer = handlers.get(event as string)?.(value)
    if (ackId < 0) return answer
    outgoing.take(encodeFrame(codec, { type: MESSAGE_TYPES.ACK, ackId }, [answer]))
    return null
  }
  return {
    name: isAnswered ? WITH_ACK : WITHOUT_ACK,
    operations: OPERATIONS,
    run: each(OPERATIONS, handle),
    verify: () =>
      isAnswered
        ? verifyAnswers(parts, outgoing, (i) => void handle(i))
        : demand(isSameValue(handle(3), VALUES[3]), 'the handler was not called with the value'),
  }
}

/** @param isOnEngine  Frames come and go through the class that speaks to the engine. */
async function roomcast(name: string, listen: (socket: AnySocket) => void, isOnEngine = false): Promise<MicroCase> {
  const { parts, links } = await roomcastWith(listen, isOnEngine)
  const frames = callFrames(parts, true)
  const handle = (i: number) => {
    const frame = frames[i % VALUES.length] as Uint8Array
    // The engine hands over the memory, and the transport looks at it.
    parts.receive(linkAt(links, i).connection, isOnEngine ? new Uint8Array(frame.buffer) : frame)
  }
  return {
    name,
    operations: OPERATIONS,
    run: each(OPERATIONS, handle),
    async verify() {
      await verifyAnswers(parts, parts.outgoing, handle)
      parts.assertFaultless()
    },
  }
}

/** One event of each client, and the answers when the promises of their handlers have settled. */
async function roomcastAsync(): Promise<MicroCase> {
  const { parts, links } = await roomcastWith((socket) => socket.on(CALL_EVENT, async (value: unknown) => value))
  const frames = callFrames(parts, true)
  const { outgoing } = parts
  let first = 0
  const handle = (i: number) => parts.receive(linkAt(links, i).connection, frames[i % VALUES.length] as Uint8Array)
  return {
    name: 'Roomcast: the handler is an async function',
    operations: LINKS,
    isAsync: true,
    async run() {
      const until = outgoing.frames + LINKS
      for (let i = 0; i < LINKS; i++) handle(first + i)
      // The clients get other values the next time.
      first++
      for (let turns = 0; outgoing.frames < until; turns++) {
        demand(turns < 100, 'the handlers were not answered')
        await null
      }
      // Behind the answers: the next event of a socket waits until its handlers are done.
      await null
    },
    async verify() {
      await verifyAnswers(parts, outgoing, async (i) => {
        handle(i)
        await new Promise(setImmediate)
      })
      demand(
        links.every(({ socket }) => socket.held === null),
        'a client still waits for its handler',
      )
      parts.assertFaultless()
    },
  }
}

async function roomcastSilent(): Promise<MicroCase> {
  let last: unknown
  const { parts, links } = await roomcastWith((socket) =>
    socket.on(CALL_EVENT, (value: unknown) => {
      last = value
    }),
  )
  const frames = callFrames(parts, false)
  const handle = (i: number) => parts.receive(linkAt(links, i).connection, frames[i % VALUES.length] as Uint8Array)
  return {
    name: 'Roomcast',
    operations: OPERATIONS,
    run: each(OPERATIONS, handle),
    verify() {
      handle(3)
      demand(isSameValue(last, VALUES[3]), 'the handler was not called with the value')
      parts.assertFaultless()
    },
  }
}

/** Its handlers run in later ticks: in batches, and until all answers are there. */
async function socketIo(isAnswered: boolean): Promise<MicroCase> {
  const parts = new SocketIoParts(true)
  const { outgoing } = parts
  const links: SocketIoLink[] = []
  let calls = 0
  let last: unknown
  for (let i = 0; i < LINKS; i++) {
    const link = await parts.connect()
    link.socket.on(CALL_EVENT, (value: unknown, ack?: (value: unknown) => void) => {
      calls++
      last = value
      ack?.(value)
    })
    links.push(link)
  }
  const messages = VALUES.map((value, i) =>
    Buffer.from(`2${isAnswered ? 100 + i : ''}${JSON.stringify([CALL_EVENT, value])}`),
  )
  const handle = (i: number) =>
    linkAt(links, i).connection.emit('data', (messages[i % VALUES.length] as Buffer).toString())
  return {
    name: 'Socket.IO',
    operations: OPERATIONS,
    isAsync: true,
    async run() {
      const packets = outgoing.packets + OPERATIONS
      const until = calls + OPERATIONS
      for (let i = 0; i < OPERATIONS; i++) handle(i)
      if (isAnswered) await parts.until(packets)
      while (calls < until) await new Promise<void>((resolve) => process.nextTick(resolve))
      keep(last)
    },
    async verify() {
      const before = outgoing.packets
      handle(3)
      await new Promise(setImmediate)
      demand(isSameValue(last, VALUES[3]), 'the handler of Socket.IO was not called with the value')
      demand(outgoing.packets - before === (isAnswered ? 1 : 0), 'Socket.IO did not send what it should')
      const answer = `3103${JSON.stringify([VALUES[3]])}`
      demand(!isAnswered || outgoing.last === answer, `Socket.IO answered ${outgoing.last}`)
    },
  }
}

async function roomcastWith(listen: (socket: AnySocket) => void, isOnEngine = false) {
  const parts = new RoomcastParts()
  const links: RoomcastLink[] = []
  const wireOf = isOnEngine ? engineWire(parts) : undefined
  for (let i = 0; i < LINKS; i++) links.push(await parts.connect(undefined, wireOf))
  for (const { socket } of links) listen(socket)
  return { parts, links }
}

const linkAt = <Link>(links: readonly Link[], i: number) => links[i % LINKS] as Link

async function verifyAnswers(
  { runtime }: RoomcastParts,
  outgoing: Outgoing,
  handle: (i: number) => Promise<void> | void,
): Promise<void> {
  for (let i = 0; i < VALUES.length; i++) {
    const { frames, last } = await outgoing.during(() => handle(i))
    const { type, ackId, bodyStart } = readHeader(last, createHeader())
    demand(frames === 1 && type === MESSAGE_TYPES.ACK && ackId === 100 + i, `event ${i} was not answered as it should`)
    demand(isSameValue(runtime.codec.decode(last, bodyStart), [VALUES[i]]), 'an answer has another value')
  }
}
