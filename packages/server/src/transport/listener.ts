import { RoomcastError } from '@roomcast/protocol'
import type { TlsOptions } from '../options/server-options'
import type { Engine, EngineApp, EngineListenSocket } from './engine-types'

/** Where to listen. */
export interface ListenOptions {
  /** 0 lets the system pick one. */
  readonly port: number
  /** Address or name of the interface. @default all interfaces */
  readonly host?: string
}

/** A listening port. */
export interface Listener {
  readonly port: number
  /** Takes no more connections; those there are stay. */
  stop(): void
}

/**
 * Creates the engine's app, with TLS if there are files for it.
 *
 * @throws RoomcastError `INVALID_OPTION` if the files do not make a certificate with its key.
 */
export function createApp(engine: Engine, tls: TlsOptions | undefined): EngineApp {
  if (tls === undefined) return engine.App()
  try {
    return engine.SSLApp({
      key_file_name: tls.keyFile,
      cert_file_name: tls.certFile,
      ...(tls.caFile !== undefined && { ca_file_name: tls.caFile }),
      ...(tls.passphrase !== undefined && { passphrase: tls.passphrase }),
    })
  } catch (error) {
    throw new RoomcastError('INVALID_OPTION', 'tls: the files cannot be read, or are no certificate with its key', {
      cause: error,
    })
  }
}

/** @throws RoomcastError `LISTEN_FAILED`. */
export function openPort(engine: Engine, app: EngineApp, { port, host }: ListenOptions): Promise<Listener> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RoomcastError('INVALID_OPTION', `port is ${port}; it has to be an integer from 0 to 65535`)
  }
  // Without it a second server on the port would listen too, and each would get some of the clients.
  const exclusive = engine.LIBUS_LISTEN_EXCLUSIVE_PORT ?? 1
  return new Promise((resolve, reject) => {
    const onListening = (socket: EngineListenSocket | false) => {
      if (socket === false) {
        const where = `port ${port}${host === undefined ? '' : ` of ${host}`}`
        return reject(new RoomcastError('LISTEN_FAILED', `${where} is in use or may not be opened`))
      }
      resolve({
        port: engine.us_socket_local_port(socket),
        stop: () => engine.us_listen_socket_close(socket),
      })
    }
    // Not with an empty host: the engine takes it for the port.
    if (host === undefined || host === '') app.listen(port, exclusive, onListening)
    else app.listen(host, port, exclusive, onListening)
  })
}
