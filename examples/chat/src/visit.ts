import { randomUUID } from 'node:crypto'
import type { Server, Socket } from '@roomcast/server'
import { Allowance } from './allowance'
import {
  CHAT_LIMITS,
  type ChatMessage,
  type ChatUser,
  type ClientToServer,
  ROOM_NAMES,
  type RoomName,
  type Sent,
  type ServerToClient,
} from './events'
import { refusal } from './refusal'
import { checkText } from './texts'
import { isUserId } from './visitor'

/** Events between servers, and what a socket carries besides its user: this chat needs neither. */
type Nothing = Record<never, never>

export type ChatServer = Server<ClientToServer, ServerToClient, Nothing, Nothing, ChatUser>
export type ChatSocket = Socket<ClientToServer, ServerToClient, Nothing, Nothing, ChatUser>

/**
 * Serves one connection. What arrives may be anything, whatever the event map says, so each handler takes `unknown` and checks
 * it. The value that a handler returns is the answer, and so is the error that it throws.
 */
export function receive(io: ChatServer, socket: ChatSocket): void {
  const allowance = new Allowance(CHAT_LIMITS.burst, CHAT_LIMITS.perSecond)
  socket.use((_event, next) => {
    if (allowance.take()) next()
    else next(refusal('TOO_FAST', 'that was too fast, please wait a moment'))
  })

  function sendMessage(room: unknown, rawText: unknown): Sent {
    assertLoggedIn(socket)
    const message = say(socket.user, rawText)
    io.to(checkRoom(socket, room)).emit('new message', message)
    return { id: message.id }
  }

  async function sendPrivately(to: unknown, rawText: unknown): Promise<Sent> {
    assertLoggedIn(socket)
    const { user } = socket
    if (to === user.id) throw refusal('TO_ONESELF', 'a private message is for somebody else')
    const message = say(user, rawText)
    const [receiver] = isUserId(to) ? await io.toUser(to).fetchSockets() : []
    if (!receiver?.user) throw refusal('NOT_ONLINE', 'they are not here any more')
    io.toUser([receiver.user.id, user.id]).emit('private message', { ...message, to: receiver.user })
    return { id: message.id }
  }

  function passOnTyping(room: unknown, isTyping: unknown): void {
    assertLoggedIn(socket)
    const others = socket.to(checkRoom(socket, room))
    // Volatile: it is news for a moment, and nothing that the room should keep or send again.
    if (typeof isTyping === 'boolean') others.volatile.emit('typing', socket.user, isTyping)
  }

  socket.on('send message', sendMessage)
  socket.on('private message', sendPrivately)
  socket.on('typing', passOnTyping)
}

/** What somebody says. Who it is, the login has told: nothing that a page sends counts for it. */
function say(from: ChatUser, rawText: unknown): ChatMessage {
  return { id: randomUUID(), from, text: checkText(rawText), sentAt: Date.now() }
}

function assertLoggedIn(socket: ChatSocket): asserts socket is ChatSocket & { readonly user: ChatUser } {
  if (socket.user === null) throw refusal('NOT_LOGGED_IN', 'please log in first')
}

/** The room that a socket names, if it has joined it. A logout takes it out of all. */
function checkRoom({ rooms }: ChatSocket, wanted: unknown): RoomName {
  const room = ROOM_NAMES.find((name) => name === wanted && rooms.has(name))
  if (room === undefined) throw refusal('NOT_IN_ROOM', 'please join the room first')
  return room
}
