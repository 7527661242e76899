import { Server, serveStatic } from '@roomcast/server'
import { ROOM_NAMES } from './events'
import { People } from './people'
import { Rooms } from './rooms'
import { type ChatServer, receive } from './visit'

/** Where the chat listens. */
export interface ChatOptions {
  /** 0 picks a free one. @default 3000 */
  readonly port?: number
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
export async function startChat({ port = 3_000 }: ChatOptions = {}): Promise<RunningChat> {
  // The longest message is 1,000 code points: 16 KiB has room for it and for nothing much larger.
  const io: ChatServer = new Server({ maxHttpBufferSize: 16_384 })
  const people = new People()
  const rooms = new Rooms(ROOM_NAMES)
  io.http(serveStatic(new URL('../public/', import.meta.url)))
  io.on('connection', (socket) => receive(io, socket, people, rooms))
  await io.listen(port)

  const close = async () => {
    await io.close()
  }
  return { port: io.port, url: io.url, close, [Symbol.asyncDispose]: close }
}
