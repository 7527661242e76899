import { createHeader, MESSAGE_TYPES, readHeader } from '@roomcast/protocol'
import { FloodGate } from '../../../packages/server/src/ingress/flood-gate'
import type { RateLimits } from '../../../packages/server/src/options/inbound-options'
import { CALL_EVENT } from '../../src/payloads'
import { demand, each, type MicroCase, type MicroGroup } from '../micro-case'
import { OUT_OF_REACH, type RoomcastLink, RoomcastParts } from '../parts/roomcast'

/*
 * What an event costs before anybody looks into it.
 */

const TITLE = 'receive an event, up to its handler'
const BASELINE = 'header'
const LINKS = 16
const OPERATIONS = 2_048
/** Of all frames: no more than a connection is answered before it is closed. */
const REFUSED = 500

const CONNECTION: RateLimits = { connection: OUT_OF_REACH }
const CONNECTION_USER: RateLimits = { ...CONNECTION, user: OUT_OF_REACH }
const ALL: RateLimits = { ...CONNECTION_USER, events: { [CALL_EVENT]: OUT_OF_REACH, say: OUT_OF_REACH } }
const TIGHT: RateLimits = { connection: { messagesPerSecond: 0.001, burstMessages: 1 } }

/** One group: what each part adds. */
export async function gateSuite(): Promise<readonly MicroGroup[]> {
  return [
    {
      title: TITLE,
      baseline: BASELINE,
      cases: [
        headerOnly(),
        await admitting('header, limit of the connection', CONNECTION, false),
        await admitting('header, limits of connection and user', CONNECTION_USER, true),
        await admitting('header, limits of connection, user and event', ALL, true),
        await received(),
        await refused(),
      ],
    },
  ]
}

const frameOf = (parts: RoomcastParts, event: string) => parts.frame({ type: MESSAGE_TYPES.EVENT, event }, [])

function headerOnly(): MicroCase {
  const parts = new RoomcastParts()
  const frames = [frameOf(parts, CALL_EVENT), frameOf(parts, 'say')] as const
  const header = createHeader()
  return {
    name: BASELINE,
    operations: OPERATIONS,
    run: each(OPERATIONS, (i) => readHeader(frames[i & 1] as Uint8Array, header)),
    verify: () => demand(readHeader(frames[1], header).event === 'say', 'the header names another event'),
  }
}

/** @param isLoggedIn  Clients have users, each one of their own. */
async function admitting(name: string, rateLimits: RateLimits, isLoggedIn: boolean): Promise<MicroCase> {
  const parts = new RoomcastParts(isLoggedIn ? { rateLimits, login: ({ id }) => ({ id }) } : { rateLimits })
  const { rateLimits: resolved } = parts.runtime
  if (resolved === null) throw new Error('a server without rate limits')
  const gate = new FloodGate(resolved, parts.runtime)
  const connections: RoomcastLink['connection'][] = []
  for (let i = 0; i < LINKS; i++) {
    const { connection, socket } = await parts.connect({ id: `user-${i}` })
    demand((socket.user !== null) === isLoggedIn, 'a client is not who it is meant to be')
    connections.push(connection)
  }
  const frames = [frameOf(parts, CALL_EVENT), frameOf(parts, 'say')] as const
  const header = createHeader()
  const admit = (i: number) => {
    const frame = frames[i & 1] as Uint8Array
    return gate.admit(connections[i % LINKS] as RoomcastLink['connection'], readHeader(frame, header), frame.length)
  }
  return {
    name,
    operations: OPERATIONS,
    run: each(OPERATIONS, admit),
    verify() {
      for (let i = 0; i < LINKS; i++) demand(admit(i), 'an event within the limits was refused')
      const { inbound } = connections[0] as RoomcastLink['connection']
      demand(inbound?.bucket != null, 'nothing was counted')
      demand((inbound?.events != null) === (resolved.events !== null), 'events were not counted by name')
    },
  }
}

/** All of the receiver, with the smallest body and a handler that does nothing. */
async function received(): Promise<MicroCase> {
  const parts = new RoomcastParts()
  let calls = 0
  const links = await Promise.all(Array.from({ length: LINKS }, () => parts.connect()))
  for (const { socket } of links) {
    for (const event of [CALL_EVENT, 'say']) socket.on(event, () => void calls++)
  }
  const frames = [frameOf(parts, CALL_EVENT), frameOf(parts, 'say')] as const
  const receive = (i: number) => {
    parts.receive((links[i % LINKS] as (typeof links)[0]).connection, frames[i & 1] as Uint8Array)
  }
  return {
    name: 'all of it, and a handler that does nothing',
    operations: OPERATIONS,
    run: each(OPERATIONS, receive),
    verify() {
      const before = calls
      for (let i = 0; i < LINKS; i++) receive(i)
      demand(calls === before + LINKS, 'the handlers were not called')
      parts.assertFaultless()
    },
  }
}

/** A flood: each call is answered with an error, and its body is never read. */
async function refused(): Promise<MicroCase> {
  const parts = new RoomcastParts({ rateLimits: TIGHT })
  const { connection, socket } = await parts.connect()
  socket.on(CALL_EVENT, () => true)
  const frames = Array.from({ length: 16 }, (_, ackId) =>
    parts.frame({ type: MESSAGE_TYPES.EVENT, event: CALL_EVENT, ackId }, []),
  )
  const receive = (i: number) => parts.receive(connection, frames[i % 16] as Uint8Array)
  return {
    name: 'a call over the limit, refused',
    operations: REFUSED,
    run: each(REFUSED, receive),
    /** As if it came for the first time: too many refusals would close it. */
    reset() {
      connection.inbound = null
    },
    async verify() {
      receive(0)
      const { frames: answers, last } = await parts.outgoing.during(() => receive(1))
      const isRefusal = answers === 1 && readHeader(last, createHeader()).type === MESSAGE_TYPES.ACK_ERROR
      demand(isRefusal, 'a call over the limit was not refused')
      demand(connection.phase === 'open', 'the connection was closed')
      connection.inbound = null
      parts.assertFaultless()
    },
  }
}
