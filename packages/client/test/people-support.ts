import { MESSAGE_TYPES } from '@roomcast/protocol'
import { type FakeLink, FakeServer } from '../../../test-kit/fake-server'
import type { RawFrame } from '../../../test-kit/raw-client'
import { until } from '../../../test-kit/wait'

/*
 * A server of logins and user lists that speaks bytes: PING is answered, and CONNECT as the test says; requests are for
 * the test to take, with `request`, and to answer.
 */

/** What a CONNECTED of {@link admit} says. */
export interface Admission {
  readonly user?: object
  readonly expiresInMs?: number
}

/** What `auth` of a CONNECT is answered with: an admission, or a function that answers. */
type Answer = Admission | ((link: FakeLink, connect: RawFrame) => void)

/** Starts a server. @param answer  What CONNECT is answered with. @default nobody is logged in */
export function startPeople(answer: Answer = {}, port = 0): Promise<FakeServer> {
  return FakeServer.start({
    port,
    answer: typeof answer === 'function' ? answer : (link, connect) => admit(link, connect, answer),
    onFrame: (link, { type }) => {
      if (type === 'PING') link.send({ type: MESSAGE_TYPES.PONG }, null)
    },
  })
}

let sids = 0

/** Answers CONNECT with CONNECTED. */
export function admit(link: FakeLink, connect: RawFrame, admission: Admission = {}, namespace = 0): void {
  const { nsp } = connect.body as { nsp: string }
  const body = { nsp, sid: `sid-${++sids}`, limits: { frameBytes: 1_048_576 }, ...admission }
  link.send({ type: MESSAGE_TYPES.CONNECTED, namespace }, body)
}

/** Answers CONNECT with CONNECT_ERROR. */
export function reject(link: FakeLink, connect: RawFrame, code: string, data?: unknown): void {
  const { nsp } = connect.body as { nsp: string }
  link.send({ type: MESSAGE_TYPES.CONNECT_ERROR }, { nsp, code, message: `told ${code}`, data })
}

/** Answers a request with ACK_ERROR. */
export function refuse(link: FakeLink, { namespace, ackId }: RawFrame, code: string): void {
  link.send({ type: MESSAGE_TYPES.ACK_ERROR, namespace, ackId }, { code, message: `told ${code}` })
}

/** Sends a notice. */
export function notice(link: FakeLink, ...body: unknown[]): void {
  link.send({ type: MESSAGE_TYPES.NOTICE }, body)
}

/** The next request of the client, which has to have this name. */
export async function request(link: FakeLink, name: string): Promise<RawFrame> {
  const frame = await link.frame('REQUEST')
  const [given] = frame.body as [string]
  if (given !== name) throw new Error(`the client sent ${JSON.stringify(frame.body)} and not "${name}"`)
  return frame
}

/** Bodies of the requests so far. */
export function requestsOn(link: FakeLink): unknown[] {
  return link.frames.filter(({ type }) => type === 'REQUEST').map(({ body }) => body)
}

/** What went with each CONNECT so far, on all links. */
export function authsOn(server: FakeServer): unknown[] {
  const connects = server.links.flatMap(({ frames }) => frames.filter(({ type }) => type === 'CONNECT'))
  return connects.map(({ body }) => (body as { auth?: unknown }).auth)
}

/** When the client has handled all that was sent to it so far. */
export async function handled(link: FakeLink): Promise<void> {
  const ackId = ++barriers
  link.emit('nobody listens', [], ackId)
  const isAnswer = (frame: RawFrame) => frame.type === 'ACK_ERROR' && frame.ackId === ackId
  await until(() => link.frames.some(isAnswer), 'the client to have handled everything')
}

let barriers = 1_000_000

/** A row of a user list. */
export function row(id: string, joinedAt: number, profile?: object, devices = 1): unknown[] {
  return profile ? [id, devices, joinedAt, profile] : [id, devices, joinedAt]
}

/** Several frames in one go: the client gets them without a pause between. */
export function together(link: FakeLink, send: () => void): void {
  const socket = (link as unknown as { ws: { _socket: { cork(): void; uncork(): void } } }).ws._socket
  socket.cork()
  send()
  socket.uncork()
}
