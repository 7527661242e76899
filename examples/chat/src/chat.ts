import { Server, serveStatic } from '@roomcast/server'
import { CHAT_LIMITS, type ChatUser, ROOM_NAMES } from './events'
import { refusal } from './refusal'
import { type ChatServer, receive } from './visit'
import { NAME_BYTES, readVisitor } from './visitor'

/** Where the chat listens, and for how many. */
export interface ChatOptions {
  /** 0 picks a free one. @default 3000 */
  readonly port?: number
  /** People logged in at the same time. @default 500 */
  readonly people?: number
  /** Milliseconds that a user whose link was lost stays listed. @default 3000 */
  readonly graceMs?: number
}

/** A chat that is running. */
export interface RunningChat extends AsyncDisposable {
  readonly port: number
  /** The address of the page. */
  readonly url: string
  /** Disconnects everybody and frees the port. */
  close(): Promise<void>
}

/**
 * Starts the chat: the page under `/`, the events beside it.
 *
 * @throws RoomcastError `LISTEN_FAILED` when the port is taken.
 */
export async function startChat({
  port = 3_000,
  people = CHAT_LIMITS.people,
  graceMs = 3_000,
}: ChatOptions = {}): Promise<RunningChat> {
  const io: ChatServer = new Server({
    // The page connects first and shows its form then.
    allowAnonymous: true,
    login: logIn,
    // Two visitors cannot have one name at a time; the tabs of one browser are one visitor.
    names: { inUse: 'refuse', maxBytes: NAME_BYTES },
    // Who was away for less than two minutes goes on where they were, as if the link had not been lost.
    connectionStateRecovery: true,
    // Who loads the page again is not missed meanwhile.
    presence: { graceMs },
    // The longest message is 1,000 code points: 16 KiB has room for it and for nothing much larger.
    maxHttpBufferSize: 16_384,
  })
  for (const room of ROOM_NAMES) {
    io.rooms(room, {
      authorize: ({ user }) => user !== null,
      history: { ageMs: CHAT_LIMITS.keptMs },
      snapshot: CHAT_LIMITS.shownMessages,
      // How full a room is, everybody may see; who is in it, only those who are.
      presence: { watch: ({ rooms }, _name, mode) => mode === 'count' || rooms.has(room) },
    })
  }

  async function logIn(credentials: unknown): Promise<ChatUser> {
    const visitor = readVisitor(credentials)
    const isNew = (await io.users().get(visitor.id)) === undefined
    if (isNew && (await io.users().count()) >= people) {
      throw refusal('CHAT_FULL', 'the chat is full, please come back later')
    }
    return visitor
  }

  io.on('connection', (socket) => receive(io, socket))
  io.http(serveStatic(new URL('../public/', import.meta.url)))
  await io.listen(port)
  const close = async () => {
    await io.close()
  }
  return { port: io.port, url: io.url, close, [Symbol.asyncDispose]: close }
}
