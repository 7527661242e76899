import type { Gap, Room } from '@roomcast/client'
import { createCompactCodec, encodeFrame, MESSAGE_TYPES } from '@roomcast/protocol'
import { type FakeLink, FakeServer } from '../../../test-kit/fake-server'
import type { RawFrame } from '../../../test-kit/raw-client'
import { next } from '../../../test-kit/wait'
import { connect, type TestSocket } from './support'

/*
 * A server of rooms and sessions that speaks bytes: CONNECT is answered as the test says, PING always; requests are for the
 * test to take and to answer, with `request` of people-support.
 */

/** What a CONNECTED of {@link welcome} says beyond the least. */
export interface Welcome {
  readonly sid?: string
  readonly pingIntervalMs?: number
  readonly user?: object
  readonly session?: object
  readonly rooms?: readonly unknown[]
}

let sids = 0
const codec = createCompactCodec()

/** Answers CONNECT with CONNECTED. */
export function welcome(link: FakeLink, connect: RawFrame, { sid, pingIntervalMs, ...rest }: Welcome = {}): void {
  const { nsp } = connect.body as { nsp: string }
  const limits = { frameBytes: 1_048_576, ...(pingIntervalMs && { pingIntervalMs }) }
  link.send({ type: MESSAGE_TYPES.CONNECTED }, { nsp, sid: sid ?? `sid-${++sids}`, limits, ...rest })
}

/** A `session` of CONNECTED. */
export function session(secret: string, given: object = {}): object {
  return { secret, windowMs: 60_000, resumed: false, recovered: false, own: 0, ...given }
}

/** Starts a server. @param answers  What the first CONNECT is answered with, the second and so on; the last goes for the rest. */
export function startRooms(
  answers: Welcome[] = [{}],
  onFrame: (link: FakeLink, frame: RawFrame) => void = () => {},
): Promise<FakeServer> {
  const left = [...answers]
  return FakeServer.start({
    answer: (link, asked) => welcome(link, asked, left.length > 1 ? left.shift() : left[0]),
    onFrame: (link, frame) => {
      if (frame.type === 'PING') link.send({ type: MESSAGE_TYPES.PONG }, null)
      onFrame(link, frame)
    },
  })
}

/** A socket that is connected, its link, and what it has seen: the arguments of "m", and gaps. */
export async function scene(server: FakeServer, options = {}) {
  const socket = connect(server.url, options)
  const seen: unknown[] = record(socket)
  await next(socket, 'connect')
  return { socket, seen, link: await server.link(), [Symbol.dispose]: () => socket.disconnect() }
}

/** Writes down the first arguments of "m", and gaps as text. */
export function record(socket: Room | TestSocket): unknown[] {
  const seen: unknown[] = []
  // The cast: the events have the same types on both.
  const source = socket as TestSocket
  source.on('m', (n: unknown) => void seen.push(n))
  source.on('gap', (gap: Gap) => void seen.push(gapText(gap)))
  return seen
}

/** A gap as {@link record} writes it down. */
export function gapText({ room, from, to, repaired }: Gap): string {
  return `${room ?? 'null'} ${from}-${to} ${repaired ? 'repaired' : 'lost'}`
}

/** Sends "m" with its position as the argument. */
export function say(link: FakeLink, room: number, ...seqs: number[]): void {
  for (const seq of seqs) link.send({ type: MESSAGE_TYPES.EVENT, event: 'm', room, seq }, [seq])
}

/** A message as a room keeps it. */
export function kept(seq: number, event = 'm', args: unknown[] = [seq]): unknown[] {
  return [seq, 1_700_000_000_000 + seq, encodeFrame(codec, { type: MESSAGE_TYPES.EVENT, event }, args).slice()]
}

/** Sends the same as {@link kept} has, to whoever reads it. */
export function asMessage(seq: number, event = 'm', args: unknown[] = [seq]): object {
  return { seq, at: 1_700_000_000_000 + seq, event, args }
}

/** Bodies of the requests of this name so far. */
export function requestsOf(link: FakeLink, name: string): unknown[][] {
  const bodies = link.frames.filter(({ type }) => type === 'REQUEST').map(({ body }) => body as unknown[])
  return bodies.filter(([given]) => given === name)
}
