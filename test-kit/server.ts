import type { FaultContext } from '@roomcast/server'
import { Server, type ServerOptions } from '@roomcast/server'

/** A fault that the server reported. */
export interface ReportedFault {
  readonly error: unknown
  readonly context: FaultContext
}

/** A server that listens on a free port of the loopback and closes itself at the end of the scope. */
export interface TestServer extends AsyncDisposable {
  readonly io: Server
  readonly url: string
  readonly port: number
  /** What user code threw, in order. */
  readonly faults: ReportedFault[]
}

/**
 * Starts a server.
 *
 * @param setUp  Registers handlers before it listens.
 */
export async function startServer(
  setUp: (io: Server) => void = () => {},
  options: ServerOptions = {},
): Promise<TestServer> {
  const faults: ReportedFault[] = []
  const io = new Server({ onError: (error, context) => faults.push({ error, context }), ...options })
  setUp(io)
  await io.listen({ port: 0, host: '127.0.0.1' })
  return { io, url: io.url, port: io.port, faults, [Symbol.asyncDispose]: () => io.close() }
}
