import { io, type Socket } from '@roomcast/client'
import { Server, type ServerOptions } from '@roomcast/server'

/*
 * A process whose loop a test may stop: a server, or clients. `fault-process.ts` starts it and asks.
 */

/** What it can be asked, with arguments and answer. */
export interface ChildCommands {
  /** Starts a server. @returns its port. */
  serve(options: ServerOptions): number
  /** Connects so many clients of a transport; waits for them. */
  connect(url: string, transport: string, count: number): void
  /** Sends something to everybody, and then stops the loop of the process. */
  stall(ms: number): void
  /** Reasons of all disconnects since the last report, with the transport: of the server's sockets, or of the clients. */
  report(): string[]
}

/** Milliseconds until what was sent has left the process. */
const LEAVE_MS = 20

let server: Server | null = null
const clients: Socket[] = []
let ends: string[] = []

const commands: { [Name in keyof ChildCommands]: (...args: never[]) => unknown } = {
  async serve(options: ServerOptions) {
    server = new Server(options)
    server.on('connection', (socket) => {
      socket.join('all')
      const transport = socket.conn.transport.name
      socket.on('disconnect', (reason) => ends.push(`${transport} ${reason}`))
      socket.on('echo', (value: unknown) => value)
    })
    await server.listen({ port: 0, host: '127.0.0.1' })
    return server.port
  },
  async connect(url: string, transport: string, count: number) {
    for (let i = 0; i < count; i++) {
      const socket = io(url, { forceNew: true, transports: [transport], reconnectionDelay: 10 })
      socket.on('disconnect', (reason) => ends.push(`${transport} ${reason}`))
      clients.push(socket)
      await new Promise<void>((resolve) => socket.once('connect', resolve))
    }
  },
  async stall(ms: number) {
    server?.to('all').emit('tick')
    await new Promise((resolve) => setTimeout(resolve, LEAVE_MS))
    const until = performance.now() + ms
    while (performance.now() < until);
  },
  report() {
    const reported = ends
    ends = []
    return reported
  },
}

process.on('message', async ({ id, name, args }: { id: number; name: keyof ChildCommands; args: never[] }) => {
  process.send?.({ id, result: await commands[name](...args) })
})
process.on('disconnect', () => process.exit())
