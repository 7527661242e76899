import { Server, serveStatic } from '@roomcast/server'
import { Backlog } from './backlog'
import { CHAT_LIMITS, type ChatUser, ROOM_NAMES, type RoomSummary } from './events'
import { refusal } from './refusal'
import { type ChatServer, receive } from './visit'
import { NAME_BYTES, readVisitor } from './visitor'

/** Where the chat listens, and for how many. */
export interface ChatOptions {
  /** 0 picks a free one. @default 3000 */
  readonly port?: number
  /** People logged in at the same time. @default 500 */
  readonly people?: number
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
export async function startChat({ port = 3_000, people = CHAT_LIMITS.people }: ChatOptions = {}): Promise<RunningChat> {
  const io: ChatServer = new Server({
    // The page connects first and shows its form then.
    allowAnonymous: true,
    login: logIn,
    // Two visitors cannot have one name at a time; the tabs of one browser are one visitor.
    names: { inUse: 'refuse', maxBytes: NAME_BYTES },
    // The longest message is 1,000 code points: 16 KiB has room for it and for nothing much larger.
    maxHttpBufferSize: 16_384,
  })
  // Who is in a room may see who else is.
  io.rooms('*', { presence: { watch: 'members' } })

  async function logIn(credentials: unknown): Promise<ChatUser> {
    const visitor = readVisitor(credentials)
    const isNew = (await io.users().get(visitor.id)) === undefined
    if (isNew && (await io.users().count()) >= people) {
      throw refusal('CHAT_FULL', 'the chat is full, please come back later')
    }
    return visitor
  }

  /** How full the rooms are. Numbers only: they are for everybody. */
  function summaries(): Promise<RoomSummary[]> {
    return Promise.all(ROOM_NAMES.map(async (name) => ({ name, userCount: await io.users(name).count() })))
  }

  const tellEverybody = async () => io.emit('rooms', await summaries())
  for (const room of ROOM_NAMES) io.users(room).on('join', tellEverybody).on('leave', tellEverybody)

  const backlog = new Backlog()
  io.on('connection', async (socket) => {
    receive(io, socket, backlog)
    socket.emit('rooms', await summaries())
  })

  io.http(serveStatic(new URL('../public/', import.meta.url)))
  await io.listen(port)
  const close = async () => {
    await io.close()
  }
  return { port: io.port, url: io.url, close, [Symbol.asyncDispose]: close }
}
