import { createHeader, readHeader } from '@roomcast/protocol'
import type { AnySocket } from '../../../packages/server/src/api/socket'
import { isInUnion, PAYLOADS, ROOM, TICK_EVENT } from '../../src/payloads'
import { demand, each, keep, type MicroCase, type MicroGroup } from '../micro-case'
import type { RoomcastParts } from '../parts/roomcast'
import type { SocketIoLink, SocketIoParts } from '../parts/socketio'
import { variantsOf } from '../variants'

/*
 * Who is in a room, and who gets what is sent to some.
 */

/** Two servers with the same members in the same rooms. */
export interface BothServers {
  readonly parts: RoomcastParts
  readonly sockets: readonly AnySocket[]
  readonly others: SocketIoParts
  readonly links: readonly SocketIoLink[]
}

/** A room of a few. */
export const SMALL = 'small'
export const SMALL_MEMBERS = 20

const LOOKUPS = 1_024
const LISTS = 256
/** Socket.IO takes some hundred microseconds for one. */
const EMITS = 64
const EMITS_OF_SOCKETIO = 4
const VALUES = variantsOf<unknown>(PAYLOADS.tick, 16)
const ROOMS_OF_MEMBER = [ROOM, SMALL, 'c', 'room-1'] as const

/** Groups of cases. */
export function questionGroups(both: BothServers): readonly MicroGroup[] {
  return [membership(both), list(both), room(both), fromMember(both), union(both), receivers(both)]
}

function membership({ parts, sockets, others, links }: BothServers): MicroGroup {
  const { index } = parts.io.sockets.inside
  const { adapter } = others.io.of('/')
  const asked = (name: string, ask: (member: number, room: string) => boolean): MicroCase => ({
    name,
    operations: LOOKUPS,
    run: each(LOOKUPS, (i) => ask(i % SMALL_MEMBERS, ROOMS_OF_MEMBER[i % 4] as string)),
    verify() {
      demand(ask(3, ROOM) && ask(3, SMALL) && ask(0, 'c') && ask(1, 'room-1'), `${name}: a member is not in its room`)
      demand(!ask(3, 'c') && !ask(3, 'room-1'), `${name}: a member is in another room`)
    },
  })
  const ids = links.map(({ socket }) => socket.id)
  return {
    title: 'is a socket in a room',
    baseline: 'Socket.IO: socket.rooms',
    cases: [
      asked('Socket.IO: socket.rooms', (member, name) => links[member]?.socket.rooms.has(name) ?? false),
      asked('Socket.IO: adapter', (member, name) => adapter.rooms.get(name)?.has(ids[member] as string) ?? false),
      asked('Roomcast: socket.rooms', (member, name) => sockets[member]?.rooms.has(name) ?? false),
      asked('Roomcast: room index', (member, name) => index.holds(sockets[member] as AnySocket, name)),
    ],
  }
}

function list({ parts, others }: BothServers): MicroGroup {
  const { index } = parts.io.sockets.inside
  const { adapter, sockets } = others.io.of('/')
  const listed = (name: string, count: () => number): MicroCase => ({
    name,
    operations: LISTS,
    run: each(LISTS, count),
    verify: () => demand(count() === SMALL_MEMBERS, `${name}: not ${SMALL_MEMBERS} members`),
  })
  return {
    title: `the members of a room of ${SMALL_MEMBERS}`,
    baseline: 'Socket.IO: adapter',
    cases: [
      listed('Socket.IO: adapter', () => {
        let found = 0
        for (const id of adapter.rooms.get(SMALL) ?? []) if (sockets.has(id)) found++
        return found
      }),
      fetching('Socket.IO: fetchSockets', LISTS, () => others.io.in(SMALL).fetchSockets(), SMALL_MEMBERS),
      listed('Roomcast: room index', () => {
        let found = 0
        for (const { connected } of index.membersOf(SMALL)) if (connected) found++
        return found
      }),
      listed('Roomcast: adapter.rooms', () => parts.io.sockets.adapter.rooms.get(SMALL)?.size ?? 0),
      fetching('Roomcast: fetchSockets', LISTS, () => parts.io.in(SMALL).fetchSockets(), SMALL_MEMBERS),
    ],
  }
}

function fetching(
  name: string,
  operations: number,
  fetchSockets: () => Promise<readonly { readonly id: string }[]>,
  expected: number,
): MicroCase {
  return {
    name,
    operations,
    isAsync: true,
    async run() {
      for (let i = 0; i < operations; i++) keep(await fetchSockets())
    },
    async verify() {
      const ids = new Set((await fetchSockets()).map(({ id }) => id))
      demand(ids.size === expected, `${name} found ${ids.size} sockets, not ${expected}`)
    },
  }
}

function room(both: BothServers): MicroGroup {
  const { parts, others } = both
  return {
    title: 'emit to a room of 1,000',
    baseline: 'Socket.IO',
    cases: [
      socketIoEmit(both, 'Socket.IO', (value) => others.io.to(ROOM).emit(TICK_EVENT, value), 1_000),
      roomcastEmit(both, 'Roomcast', (value) => parts.io.to(ROOM).emit(TICK_EVENT, value), [1_000]),
    ],
  }
}

function fromMember(both: BothServers): MicroGroup {
  const { sockets, links } = both
  return {
    title: 'a member emits to the other 999',
    baseline: 'Socket.IO',
    cases: [
      socketIoEmit(both, 'Socket.IO', (value, i) => links[i]?.socket.to(ROOM).emit(TICK_EVENT, value), 999),
      roomcastEmit(both, 'Roomcast', (value, i) => sockets[i]?.to(ROOM).emit(TICK_EVENT, value), [1_000], 1),
    ],
  }
}

function union(both: BothServers): MicroGroup {
  const { parts, others, sockets } = both
  const reached = sockets.filter((_, i) => isInUnion(i)).length
  const { index } = parts.io.sockets.inside
  const sizes = ['a', 'b'].map((name) => index.room(name)?.members.size ?? 0)
  const muted = sizes.reduce((sum, size) => sum + size, 0) - reached
  return {
    title: 'to(a).to(b).except(c) of 1,000, emit',
    baseline: 'Socket.IO',
    cases: [
      socketIoEmit(
        both,
        'Socket.IO',
        (value) => others.io.to('a').to('b').except('c').emit(TICK_EVENT, value),
        reached,
      ),
      roomcastEmit(
        both,
        'Roomcast',
        (value) => parts.io.to('a').to('b').except('c').emit(TICK_EVENT, value),
        sizes,
        muted,
      ),
    ],
  }
}

function receivers({ parts, others, sockets }: BothServers): MicroGroup {
  const reached = sockets.filter((_, i) => isInUnion(i)).length
  const socketIo = () => others.io.to('a').to('b').except('c').fetchSockets()
  const roomcast = () => parts.io.to('a').to('b').except('c').fetchSockets()
  return {
    title: 'to(a).to(b).except(c) of 1,000, fetchSockets',
    baseline: 'Socket.IO',
    cases: [
      fetching('Socket.IO', EMITS_OF_SOCKETIO, socketIo, reached),
      fetching('Roomcast', EMITS_OF_SOCKETIO, roomcast, reached),
    ],
  }
}

/** @param i  Which member, where one emits. */
type Emit = (value: unknown, i: number) => unknown

function socketIoEmit({ others: { outgoing } }: BothServers, name: string, emit: Emit, reached: number): MicroCase {
  return {
    name,
    operations: EMITS_OF_SOCKETIO,
    run: each(EMITS_OF_SOCKETIO, (i) => emit(VALUES[i], i)),
    verify() {
      const before = outgoing.packets
      emit(VALUES[3], 3)
      demand(outgoing.packets - before === reached, `${name} sent ${outgoing.packets - before}, not ${reached}`)
      demand(outgoing.last === `2${JSON.stringify([TICK_EVENT, VALUES[3]])}`, `${name} sent something else`)
    },
  }
}

/**
 * @param sizes  Members of the topics that are published to, each once.
 * @param muted  Members who are taken off a topic while it is published to.
 */
function roomcastEmit(
  { parts }: BothServers,
  name: string,
  emit: Emit,
  sizes: readonly number[],
  muted = 0,
): MicroCase {
  const { outgoing, runtime } = parts
  return {
    name,
    operations: EMITS,
    run: each(EMITS, (i) => emit(VALUES[i % VALUES.length], i)),
    async verify() {
      const { frames, unsubscribed, last } = await outgoing.during(() => void emit(VALUES[3], 3))
      demand(frames === sizes.length, `${name} published ${frames} frames, not ${sizes.length}`)
      demand(unsubscribed === muted, `${name} left out ${unsubscribed} members, not ${muted}`)
      const { event, bodyStart } = readHeader(last, createHeader())
      const body = JSON.stringify(runtime.codec.decode(last, bodyStart))
      demand(event === TICK_EVENT && body === JSON.stringify([VALUES[3]]), `${name} sent something else`)
      parts.assertFaultless()
    },
  }
}
