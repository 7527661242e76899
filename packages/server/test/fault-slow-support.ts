import { randomBytes } from 'node:crypto'
import { CLOSE_CODES } from '@roomcast/protocol'
import type { Socket } from '@roomcast/server'
import type { RawClient } from '../../../test-kit/raw-client'
import type { RawSession } from '../../../test-kit/raw-room'
import type { RawStream } from '../../../test-kit/raw-stream'
import type { TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'

/** Event of the messages. */
export const MESSAGE = 'm'
/** What a message carries besides its number. */
export const FILLING = randomBytes(4_096)
/** Most that one message needs on the wire: filling, number and headers. */
export const MESSAGE_BYTES = FILLING.length + 64

/**
 * Far more than kernels, windows and budgets take together: what ends nobody by then never does. Some kernels grow the
 * buffers of one link to 6 MB for its sender and 32 MB for its reader.
 */
export const MOST_BYTES = 80_000_000

/** How often a test sends, before it looks who keeps up. */
const MESSAGES_AT_ONCE = 16

/** Numbers messages to a room, and sends no faster than healthy members read. */
export class Producer {
  /** Number of the last message. */
  last = 0

  constructor(
    private readonly server: TestServer,
    private readonly room: string,
  ) {}

  /** Emits some messages at once. */
  emit(messages = MESSAGES_AT_ONCE): void {
    for (let i = 0; i < messages; i++) this.server.io.to(this.room).emit(MESSAGE, ++this.last, FILLING)
  }

  /** Emits until it is so. @param step  Runs after each few messages: what has to be true all the time. */
  async emitUntil(
    condition: () => boolean,
    readers: readonly Pick<RawClient, 'frames'>[],
    step = () => {},
  ): Promise<void> {
    while (!condition()) {
      if (this.last * MESSAGE_BYTES > MOST_BYTES) throw new Error(`not so after ${this.last} messages`)
      this.emit()
      step()
      const { last } = this
      await new Promise((resolve) => setImmediate(resolve))
      await until(() => readers.every((reader) => numbersOf(reader).at(-1) === last), `message ${last} at all readers`)
      step()
    }
  }
}

/** Numbers of the messages that a client has been sent, in the order in which they came. */
export function numbersOf({ frames }: Pick<RawClient, 'frames'>): number[] {
  return frames.filter(({ event }) => event === MESSAGE).map(({ body }) => (body as [number])[0])
}

/** 1, 2, 3 and so on. */
export function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, i) => i + 1)
}

/** A wire over a WebSocket, as far as memory is concerned. */
interface Holding {
  readonly ws: { getBufferedAmount(): number }
  readonly flow: { readonly lane: { readonly bytes: number } | null } | null
}

/**
 * Bytes of frames that this process holds for a socket: in its queue and in the engine, or until polling has fetched them.
 * What the kernel has taken is not in it: how much that is depends on how fast the test is.
 */
export function heldOf({ io }: TestServer, sid: string): number {
  const wire = (io.sockets.sockets.get(sid) as Socket | undefined)?.wire
  if (wire === undefined) return 0
  if (wire.transport === 'polling') return wire.bufferedBytes()
  const { ws, flow } = wire as unknown as Holding
  return ws.getBufferedAmount() + (flow?.lane?.bytes ?? 0)
}

/** Why sockets have ended, by their ids: the close code that the server has given. */
export function followEnds({ io }: TestServer): Map<string, number | undefined> {
  const ends = new Map<string, number | undefined>()
  io.on('connection', (socket) => {
    socket.on('disconnect', (_reason, details) => void ends.set(socket.id, details?.code))
  })
  return ends
}

/** The stream of the room, of which something has come. */
export function streamOf(session: Pick<RawSession, 'streams'>): RawStream {
  const stream = [...session.streams.values()].find(({ received }) => received.some(({ event }) => event === MESSAGE))
  if (stream === undefined) throw new Error('nothing of the room has come')
  return stream
}

/** Positions of a stream that have neither come, nor are told to be skipped or lost. */
export function untold(stream: RawStream, last: number): number[] {
  const known = new Set(stream.received.map(({ position }) => position))
  for (const { from, to } of [...stream.losts, ...stream.skips]) {
    for (let position = from; position <= to; position++) known.add(position)
  }
  const begin = stream.begin ?? 0
  return Array.from({ length: last - begin }, (_, i) => begin + i + 1).filter((position) => !known.has(position))
}

/** The order in which messages have come is that of their numbers, each once. */
export function isInOrder(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > (numbers[index - 1] as number))
}

/**
 * Lets a paused client read, and come back to its session once its link has ended.
 *
 * @returns The session on the new link, and the code that the client knows as the end of the old one.
 */
export async function comeBack(
  server: TestServer,
  session: RawSession,
): Promise<{ next: RawSession; code: number | undefined }> {
  const { client, sid } = session
  client.resume()
  const { code } = await client.close()
  const next = await session.resume(server.port, { previous: sid })
  // Who saw nothing but a cut link is told at the next connection.
  return { next, code: code === CLOSE_CODES.ABNORMAL ? next.previous?.code : code }
}
