import net from 'node:net'

const READ_BUFFER_BYTES = 65_536
/** Reads are handled before the next one starts, so that all links of a process can share the memory. */
const sharedReadBuffer = Buffer.allocUnsafe(READ_BUFFER_BYTES)

/** What a link tells its owner. */
export interface LinkEvents {
  /** `bytes` have come. They are gone after the call. A throw is a failure of the link. */
  received(bytes: Buffer): void
  closed(): void
  /** Also behind {@link LinkEvents.closed}, and more than once. */
  failed(reason: string): void
}

/** Connects to a server on this machine by TCP. */
export function openLink(port: number, events: LinkEvents): net.Socket {
  const onRead = (length: number, bytes: Uint8Array) => {
    try {
      events.received((bytes as Buffer).subarray(0, length))
    } catch (error) {
      events.failed((error as Error).message)
    }
    return true
  }
  const socket = net.connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: { buffer: sharedReadBuffer, callback: onRead },
  })
  socket.on('error', (error) => events.failed(error.message))
  socket.on('close', () => events.closed())
  return socket
}
