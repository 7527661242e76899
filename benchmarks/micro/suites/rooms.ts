import type { AnySocket } from '../../../packages/server/src/api/socket'
import { groupsOf, ROOM } from '../../src/payloads'
import { demand, each, type MicroCase, type MicroGroup } from '../micro-case'
import { RoomcastParts } from '../parts/roomcast'
import { type SocketIoLink, SocketIoParts } from '../parts/socketio'
import { type BothServers, questionGroups, SMALL, SMALL_MEMBERS } from './room-questions'

/*
 * Who is in which room: changes and questions. What the engine does for a subscription is not in it, and neither
 * side writes anything to a socket.
 */

const MEMBERS = 1_000
const ROOMS = 1_000
const OPERATIONS = 1_000
const BASELINE = 'Socket.IO: adapter'

const NAMES = Array.from({ length: ROOMS }, (_, i) => `room-${i}`)
const nameOf = (i: number) => NAMES[i % ROOMS] as string
/**
 * Rooms that nobody is in. Not always the same: a Map of V8 searches all entries of a key that it has deleted since it grew last,
 * and one that comes and goes would cost microseconds.
 */
const EMPTY_NAMES = Array.from({ length: ROOMS }, (_, i) => `empty-${i}`)
const emptyRoom = (i: number) => EMPTY_NAMES[i % ROOMS] as string
/** Another room for each member, which it is not in. */
const otherRoom = (i: number) => nameOf(i + 500)

/** Who is in the rooms at the beginning: everybody in all of them, in two of the many, and some in the groups. */
function roomsOf(i: number): readonly string[] {
  return [ROOM, nameOf(i), nameOf(i + 1), ...groupsOf(i), ...(i < SMALL_MEMBERS ? [SMALL] : [])]
}

/** Membership as both servers have it. */
interface Side {
  readonly name: string
  join(member: number, room: string): void
  leave(member: number, room: string): void
  has(member: number, room: string): boolean
}

/** Joins, leaves and questions. */
export async function roomsSuite(): Promise<readonly MicroGroup[]> {
  const both = await bothServers()
  const sides = [adapter(both), socketIo(both), index(both), roomcast(both)]
  return [
    { title: 'join a room that others are in', baseline: BASELINE, cases: sides.map(joining) },
    { title: 'leave a room that others are in', baseline: BASELINE, cases: sides.map(leaving) },
    {
      title: 'join and leave one of 1,000 rooms',
      baseline: BASELINE,
      cases: sides.map((side) => turning(side, otherRoom)),
    },
    {
      title: 'join and leave a room that nobody else is in',
      baseline: BASELINE,
      cases: sides.map((side) => turning(side, emptyRoom)),
    },
    ...questionGroups(both),
  ]
}

async function bothServers(): Promise<BothServers> {
  const parts = new RoomcastParts()
  const sockets: AnySocket[] = []
  const others = new SocketIoParts(false)
  const links: SocketIoLink[] = []
  for (let i = 0; i < MEMBERS; i++) {
    const { socket } = await parts.connect()
    socket.join(roomsOf(i))
    sockets.push(socket)
    const link = await others.connect()
    link.socket.join([...roomsOf(i)])
    links.push(link)
  }
  return { parts, sockets, others, links }
}

function adapter({ others, links }: BothServers): Side {
  const { adapter } = others.io.of('/')
  const ids = links.map(({ socket }) => socket.id)
  return {
    name: BASELINE,
    join: (member, room) => void adapter.addAll(ids[member] as string, new Set([room])),
    leave: (member, room) => void adapter.del(ids[member] as string, room),
    has: (member, room) => adapter.rooms.get(room)?.has(ids[member] as string) ?? false,
  }
}

function socketIo({ links }: BothServers): Side {
  const sockets = links.map(({ socket }) => socket)
  return {
    name: 'Socket.IO: socket',
    join: (member, room) => void sockets[member]?.join(room),
    leave: (member, room) => void sockets[member]?.leave(room),
    has: (member, room) => sockets[member]?.rooms.has(room) ?? false,
  }
}

/** Without users, positions, ticks and values, which joins and leaves of a socket are told to. */
function index({ parts, sockets }: BothServers): Side {
  const rooms = parts.io.sockets.inside.index
  return {
    name: 'Roomcast: room index',
    join: (member, room) => void rooms.join(sockets[member] as AnySocket, room),
    leave: (member, room) => void rooms.leave(sockets[member] as AnySocket, room),
    has: (member, room) => rooms.holds(sockets[member] as AnySocket, room),
  }
}

function roomcast({ sockets }: BothServers): Side {
  return {
    name: 'Roomcast: socket',
    join: (member, room) => sockets[member]?.join(room),
    leave: (member, room) => sockets[member]?.leave(room),
    has: (member, room) => sockets[member]?.rooms.has(room) ?? false,
  }
}

function joining(side: Side): MicroCase {
  const { name, join, leave } = side
  return {
    name,
    operations: OPERATIONS,
    run: each(OPERATIONS, (i) => join(i, otherRoom(i))),
    reset() {
      for (let i = 0; i < OPERATIONS; i++) leave(i, otherRoom(i))
    },
    verify: () => verifyTurn(side, otherRoom),
  }
}

function leaving(side: Side): MicroCase {
  const { name, join, leave } = side
  const enter = () => {
    for (let i = 0; i < OPERATIONS; i++) join(i, nameOf(i + 1))
  }
  return {
    name,
    operations: OPERATIONS,
    run: each(OPERATIONS, (i) => leave(i, nameOf(i + 1))),
    reset: enter,
    verify() {
      leave(0, nameOf(1))
      demand(!side.has(0, nameOf(1)), `${name}: still in the room`)
      enter()
      demand(side.has(0, nameOf(1)) && side.has(999, nameOf(1000)), `${name}: not in the room again`)
    },
  }
}

function turning(side: Side, roomOf: (i: number) => string): MicroCase {
  const { name, join, leave } = side
  return {
    name,
    operations: OPERATIONS,
    run: each(OPERATIONS, (i) => {
      const room = roomOf(i)
      join(i, room)
      leave(i, room)
    }),
    verify: () => verifyTurn(side, roomOf),
  }
}

function verifyTurn({ name, join, leave, has }: Side, roomOf: (i: number) => string): void {
  for (const i of [0, 1, 999]) {
    const room = roomOf(i)
    demand(!has(i, room), `${name}: in ${room} already`)
    join(i, room)
    demand(has(i, room), `${name}: not in ${room}`)
    leave(i, room)
    demand(!has(i, room), `${name}: still in ${room}`)
  }
}
