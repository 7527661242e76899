import { randomUUID } from 'node:crypto'
import type { Server, Socket } from '@roomcast/server'
import { Allowance } from './allowance'
import {
  CHAT_LIMITS,
  type ChatMessage,
  type ClientToServer,
  type JoinReply,
  type LoginReply,
  type Refusal,
  type SendReply,
  type ServerToClient,
  type UsersReply,
} from './events'
import { checkName } from './names'
import type { People, Person } from './people'
import { refuse } from './refusal'
import type { Room, Rooms } from './rooms'
import { checkText } from './texts'

/** Events between servers: this chat runs on one. */
export type BetweenServers = Record<never, never>

/** What a connection carries: the person, once logged in. */
export interface SocketData {
  person?: Person | undefined
}

export type ChatServer = Server<ClientToServer, ServerToClient, BetweenServers, SocketData>
export type ChatSocket = Socket<ClientToServer, ServerToClient, BetweenServers, SocketData>

/**
 * Serves one connection from its start to its end. What arrives may be anything, whatever the event map
 * says, so each handler takes `unknown` and checks it. The value a handler returns is the answer.
 */
export function receive(io: ChatServer, socket: ChatSocket, people: People, rooms: Rooms): void {
  const allowance = new Allowance(CHAT_LIMITS.burst, CHAT_LIMITS.perSecond)

  /** Runs `work` unless this connection has sent too much lately. */
  function paced<Reply>(work: () => Reply): Reply | Refusal {
    return allowance.take() ? work() : refuse('too fast', 'That was too fast. Please wait a moment.')
  }

  function logIn(rawName: unknown): LoginReply {
    const checked = checkName(rawName)
    if (!checked.ok) return checked
    const current = socket.data.person
    if (current !== undefined && current.key !== checked.key)
      return refuse('logged in', `You are logged in as ${current.name}.`)
    const person = current ?? people.add(checked)
    if ('ok' in person) return person
    socket.data.person = person
    return { ok: true, name: person.name, rooms: rooms.summaries() }
  }

  function joinRoom(rawRoom: unknown): JoinReply {
    const person = socket.data.person
    if (person === undefined) return notLoggedIn()
    const room = rooms.find(rawRoom)
    if (room === undefined) return refuse('room unknown', 'There is no such room.')
    if (person.room !== room) {
      leaveRoom(person)
      room.enter(person)
      socket.join(room.name)
      socket.to(room.name).emit('user joined', { room: room.name, name: person.name })
      announce(room)
    }
    return { ok: true, room: room.name, users: room.users(), messages: room.recent() }
  }

  function sendMessage(rawText: unknown): SendReply {
    const place = whereabouts()
    if ('ok' in place) return place
    const checked = checkText(rawText)
    if (!checked.ok) return checked
    const message: ChatMessage = {
      id: randomUUID(),
      room: place.room.name,
      author: place.person.name,
      text: checked.text,
      sentAt: Date.now(),
    }
    place.room.record(message)
    io.to(place.room.name).emit('new message', message)
    return { ok: true, id: message.id }
  }

  function getUsers(): UsersReply {
    const place = whereabouts()
    return 'ok' in place ? place : { ok: true, users: place.room.users() }
  }

  function passOnTyping(isTyping: unknown): void {
    const place = whereabouts()
    if ('ok' in place || typeof isTyping !== 'boolean') return
    socket.to(place.room.name).emit('typing', { room: place.room.name, name: place.person.name }, isTyping)
  }

  function leave(): void {
    const person = socket.data.person
    if (person === undefined) return
    leaveRoom(person)
    people.remove(person)
    socket.data.person = undefined
  }

  function leaveRoom(person: Person): void {
    const room = person.room
    if (room === null) return
    room.leave(person)
    socket.leave(room.name)
    io.to(room.name).emit('user left', { room: room.name, name: person.name })
    announce(room)
  }

  /** Tells a room who is in it, and everybody how full the rooms are. */
  function announce(room: Room): void {
    io.to(room.name).emit('users', room.name, room.users())
    io.emit('rooms', rooms.summaries())
  }

  function whereabouts(): { person: Person; room: Room } | Refusal {
    const person = socket.data.person
    if (person === undefined) return notLoggedIn()
    if (person.room === null) return refuse('not in a room', 'Please join a room first.')
    return { person, room: person.room }
  }

  socket.on('new user', (name: unknown) => paced(() => logIn(name)))
  socket.on('join room', (room: unknown) => paced(() => joinRoom(room)))
  socket.on('get users', () => paced(getUsers))
  socket.on('send message', (text: unknown) => paced(() => sendMessage(text)))
  socket.on('typing', (isTyping: unknown) => void paced(() => passOnTyping(isTyping)))
  socket.on('disconnect', leave)
}

function notLoggedIn(): Refusal {
  return refuse('not logged in', 'Please log in first.')
}
